"""Imports accounts: everything is read and checked first, then written in batches; an interrupted import can resume."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from gatepost.admin.accounts.errors import RoleNameRetired
from gatepost.admin.accounts.repository import ManagedRoles
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.ids import new_random_text
from gatepost.identity.accounts.models import NAMES, Role, SearchWord, User, search_words_of, user_roles
from gatepost.identity.accounts.repository import Roles
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.transfer.comparing import Findings, compare
from gatepost.transfer.factor_store import FactorStore
from gatepost.transfer.records import Conflict, Kind, Row
from gatepost.transfer.staging import Staging

BATCH = 500
# A sign-up may take a name between the comparison and the insertion; the next attempt sees it.
TRIES = 3

Tell = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class ImportedRole:
    """A role of the source."""

    name: str
    description: str = ""
    permissions: tuple[str, ...] = ()
    # Whether the source lists the permissions; otherwise any role with this name matches.
    is_full: bool = False


@dataclass(slots=True)
class Chunk:
    """A part of a source: accounts, roles, and conflicts for what could not be read at all."""

    rows: list[Row] = field(default_factory=list)
    roles: list[ImportedRole] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


class Source(Protocol):
    """A source of accounts."""

    name: str

    def chunks(self, *, now: datetime) -> AsyncIterator[Chunk]:
        """Read the whole source once, in order."""
        ...

    @property
    def total(self) -> int | None:
        """The number of accounts; None while it is unknown."""
        ...


@dataclass(slots=True)
class Outcome:
    """The result of an import: counts of accounts, of passkeys for another domain and of conflicts; the new roles."""

    read: int = 0
    imported: int = 0
    there_already: int = 0
    without_password: int = 0
    with_factors: int = 0
    passkeys_elsewhere: int = 0
    roles: list[str] = field(default_factory=list)
    # Kinds of the imported accounts, and codes of the conflicts.
    kinds: Counter[Kind] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    # What to consider before the service uses the accounts.
    advice: str = ""

    @property
    def conflicts(self) -> int:
        """The number of conflicts."""
        return self.codes.total()


class Importer:
    """Imports accounts, each completely or not at all."""

    def __init__(
        self, database: Database, clock: Clock, feed: RevocationFeed, factors: FactorStore, *, default_language: str
    ) -> None:
        self._db = database
        self._clock = clock
        self._feed = feed
        self._factors = factors
        self._default_language = default_language

    async def run(self, source: Source, *, tell: Tell, note: Callable[[Conflict], None], dry_run: bool) -> Outcome:
        """Import a source; with `dry_run`, only report what would happen.

        `tell(phase, done, total)` reports progress, and `note(conflict)` everything that is not imported.
        """
        outcome = Outcome()

        def noted(conflict: Conflict) -> None:
            outcome.codes[conflict.code] += 1
            note(conflict)

        with closing(Staging()) as staging:
            roles = await self._read(source, staging, outcome, tell=tell, note=noted)
            for conflict in staging.refuse_twice():
                noted(conflict)
            planned = await self._make_roles(roles, outcome, note=noted, dry_run=dry_run)
            done = 0
            for batch in staging.batches(BATCH):
                found = await self._bring_in(batch, source=source.name, planned=planned, dry_run=dry_run)
                for conflict in found.conflicts:
                    noted(conflict)
                outcome.imported += len(found.new)
                outcome.kinds.update(kind for row in found.new for kind in row.kinds)
                outcome.without_password += sum(row.password_hash == UNUSABLE_HASH for row in found.new)
                outcome.with_factors += sum(bool(row.factors) for row in found.new)
                outcome.passkeys_elsewhere += sum(self._factors.count_elsewhere(row.factors) for row in found.new)
                outcome.there_already += len(batch) - len(found.new) - len(found.refused)
                done += len(batch)
                tell("checking" if dry_run else "writing", done, outcome.read)
        return outcome

    async def _read(
        self, source: Source, staging: Staging, outcome: Outcome, *, tell: Tell, note: Callable[[Conflict], None]
    ) -> dict[str, ImportedRole]:
        roles: dict[str, ImportedRole] = {}
        async for chunk in source.chunks(now=self._clock.now()):
            staging.add(chunk.rows)
            outcome.read += len(chunk.rows)
            for conflict in [*chunk.conflicts, *(conflict for row in chunk.rows for conflict in row.complaints)]:
                note(conflict)
            for role in chunk.roles:
                roles[role.name] = role
            for row in chunk.rows:
                if not row.complaints:
                    for name in row.roles:
                        roles.setdefault(name, ImportedRole(name))
            tell("reading", outcome.read, source.total)
        return roles

    @retry_conflicts
    async def _make_roles(
        self, roles: dict[str, ImportedRole], outcome: Outcome, *, note: Callable[[Conflict], None], dry_run: bool
    ) -> list[Role]:
        """Create the missing roles and return them. They have no permissions, unless the source lists some.

        With `dry_run`, return the roles that would be created.
        """
        made: list[Role] = []
        other: list[Conflict] = []
        now = self._clock.now()
        async with self._db.begin() as tx:
            there = {role.name: role for role in await Roles(tx).named(roles)}
            retired = await ManagedRoles(tx).retired(roles, now=now)
            for name, role in sorted(roles.items()):
                if name not in there and name in retired:
                    other.append(Conflict("role_name_retired", f"role {name}", RoleNameRetired.message))
                elif name not in there:
                    made.append(Role(name=name, description=role.description, permissions=sorted(role.permissions)))
                elif role.is_full and set(role.permissions) != set(there[name].permissions):
                    other.append(
                        Conflict("role_differs", f"role {name}", "it exists with other permissions, which it keeps")
                    )
            if not dry_run:
                tx.add_all(made)
                await tx.flush()
                for new in made:
                    details = {"role": new.id, "after": {"name": new.name, "permissions": new.permissions}}
                    record(tx, AuditEvent.ROLE_CREATED, at=now, details=details)
        outcome.roles = [role.name for role in made]
        for conflict in other:
            note(conflict)
        return made

    async def _bring_in(self, batch: Sequence[Row], *, source: str, planned: Sequence[Role], dry_run: bool) -> Findings:
        for _ in range(TRIES - 1):
            try:
                return await self._write(batch, source=source, planned=planned, dry_run=dry_run)
            except IntegrityError:
                continue
        return await self._write(batch, source=source, planned=planned, dry_run=dry_run)

    @retry_conflicts
    async def _write(self, batch: Sequence[Row], *, source: str, planned: Sequence[Role], dry_run: bool) -> Findings:
        async with self._db.begin() as tx:
            findings = compare(batch, await _there(tx, batch))
            findings.refuse_taken(await self._factors.owners(tx, [row.factors for row in findings.new]))
            await self._refuse_without_factors(tx, findings)
            # Locked until the accounts are inserted.
            there = await Roles(tx).kept_named({name for row in findings.new for name in row.roles})
            findings.refuse_unfit({role.name: role for role in (*(planned if dry_run else ()), *there)})
            if findings.new and not dry_run:
                await self._insert(tx, findings.new)
                details = {"source": source, "accounts": len(findings.new)}
                record(tx, AuditEvent.ACCOUNTS_IMPORTED, at=self._clock.now(), details=details)
        return findings

    async def _refuse_without_factors(self, tx: Transaction, findings: Findings) -> None:
        """Refuse existing accounts that lack the second factors that they have in the source."""
        wanted = [(user, row.factors) for row, user in findings.same if row.factors]
        lacking = await self._factors.lacking(tx, wanted) if wanted else set()
        for row, user in findings.same:
            if user.id in lacking:
                reason = f"account {user.id} here has not the second factors of the source, and keeps what it has"
                findings.refused.append(row)
                findings.conflicts.append(row.conflict("factors_differ", reason))

    async def _insert(self, tx: Transaction, rows: Sequence[Row]) -> None:
        # Two statements: within one, either all rows have an id or none.
        for part in ([row for row in rows if row.id is not None], [row for row in rows if row.id is None]):
            if part:
                await tx.execute(insert(User.__table__), [self._values(row) for row in part])  # type: ignore[arg-type]
        names = [row.username.canonical for row in rows if row.username]
        columns = [getattr(User, column) for column in NAMES]
        query = select(User.username_canonical, User.id, *columns).where(User.username_canonical.in_(names))
        found = (await tx.execute(query)).all()
        ids = {row[0]: row[1] for row in found}
        words = [word for row in found for word in search_words_of(row[1], **dict(zip(NAMES, row[2:], strict=True)))]
        await tx.execute(insert(SearchWord), words)
        roles = await Roles(tx).named({name for row in rows for name in row.roles})
        role_ids = {role.name: role.id for role in roles}
        given = [
            {"user_id": ids[row.username.canonical], "role_id": role_ids[name]}
            for row in rows
            if row.username
            for name in row.roles
        ]
        if given:
            await tx.execute(insert(user_roles), given)
        with_factors = {ids[row.username.canonical]: row.factors for row in rows if row.username and row.factors}
        for user in await tx.scalars(select(User).where(User.id.in_(with_factors))) if with_factors else ():
            self._factors.write(tx, user, with_factors[user.id])
        # If nobody has signed in yet, no existing token could be taken for one of these accounts.
        if await tx.scalar(select(Session.id).limit(1)) is not None:
            there = await tx.scalars(select(User).where(User.id.in_(ids.values())))
            await self._feed.announce(tx, there.all())

    def _values(self, row: Row) -> dict[str, Any]:
        if row.username is None or row.email is None:
            raise AssertionError("a row without a name was not imported")
        created_at = row.created_at or row.updated_at or self._clock.now()
        values = {
            "username": row.username.display,
            "username_canonical": row.username.canonical,
            "email": row.email.display,
            "email_canonical": row.email.canonical,
            "email_verified_at": row.email_verified_at,
            "first_verified_at": row.first_verified_at,
            "language": row.language or self._default_language,
            "password_hash": row.password_hash,
            "token_version": row.token_version,
            "random_id": row.random_id or new_random_text(),
            "version": 1,
            "disabled_at": row.disabled_at,
            "erase_at": row.erase_at,
            "created_at": created_at,
            "updated_at": row.updated_at or created_at,
        }
        return values if row.id is None else {"id": row.id, **values}


async def _there(tx: Transaction, batch: Sequence[Row]) -> Sequence[User]:
    # One query per index: with all three in one condition, MySQL would read the whole table.
    ids = [row.id for row in batch if row.id is not None]
    names = [row.username.canonical for row in batch if row.username]
    emails = [row.email.canonical for row in batch if row.email]
    found: dict[int, User] = {}
    for condition in (User.id.in_(ids), User.username_canonical.in_(names), User.email_canonical.in_(emails)):
        for user in await tx.scalars(select(User).where(condition)):
            found[user.id] = user
    return list(found.values())
