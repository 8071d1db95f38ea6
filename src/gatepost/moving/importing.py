"""Importing accounts: all is read and checked first, and then written in batches; any end can be gone on from."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from gatepost.accounts.models import Role, User, user_roles
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, retry_conflicts
from gatepost.core.ids import new_random_text
from gatepost.core.passwords import OURS_PREFIX, UNUSABLE_HASH
from gatepost.moving.records import Conflict, Row
from gatepost.moving.staging import Staging
from gatepost.sessions.models import Session
from gatepost.sessions.revocation import RevocationFeed

BATCH = 500
# A sign-up may take a name between the look at the accounts and the insertion; the next look sees it.
TRIES = 3

Tell = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class NewRole:
    """A role of the source."""

    name: str
    description: str = ""
    permissions: tuple[str, ...] = ()
    # Whether the source says what the role allows; else any role of this name will do.
    is_full: bool = False


@dataclass(slots=True)
class Chunk:
    """A part of a source: accounts and roles, and what could not be read at all."""

    rows: list[Row] = field(default_factory=list)
    roles: list[NewRole] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


class Source(Protocol):
    """Where accounts come from."""

    name: str

    def chunks(self, *, now: datetime) -> AsyncIterator[Chunk]:
        """Read everything, once and in order."""
        ...

    @property
    def total(self) -> int | None:
        """How many accounts there are, as soon as it is known."""
        ...


@dataclass(slots=True)
class Outcome:
    """What an import did: numbers of accounts, of roles that were made, and of complaints."""

    read: int = 0
    imported: int = 0
    there_already: int = 0
    without_password: int = 0
    conflicts: int = 0
    roles: list[str] = field(default_factory=list)


class Importer:
    """Brings accounts in, each whole or not at all."""

    def __init__(self, database: Database, clock: Clock, feed: RevocationFeed, *, default_language: str) -> None:
        self._db = database
        self._clock = clock
        self._feed = feed
        self._default_language = default_language

    async def run(self, source: Source, *, tell: Tell, note: Callable[[Conflict], None], dry_run: bool) -> Outcome:
        """Import a source; with `dry_run`, only say what would happen.

        `tell(phase, done, total)` is called as it goes on, and `note(conflict)` for everything that does not come.
        """
        outcome = Outcome()

        def noted(conflict: Conflict) -> None:
            outcome.conflicts += 1
            note(conflict)

        with closing(Staging()) as staging:
            roles = await self._read(source, staging, outcome, tell=tell, note=noted)
            for conflict in staging.refuse_twice():
                noted(conflict)
            await self._make_roles(roles, outcome, note=noted, dry_run=dry_run)
            done = 0
            for batch in staging.batches(BATCH):
                found = await self._bring_in(batch, source=source.name, dry_run=dry_run)
                for conflict in found.conflicts:
                    noted(conflict)
                outcome.imported += len(found.new)
                outcome.without_password += sum(row.password_hash == UNUSABLE_HASH for row in found.new)
                outcome.there_already += len(batch) - len(found.new) - len(found.refused)
                done += len(batch)
                tell("checking" if dry_run else "writing", done, outcome.read)
        return outcome

    async def _read(
        self, source: Source, staging: Staging, outcome: Outcome, *, tell: Tell, note: Callable[[Conflict], None]
    ) -> dict[str, NewRole]:
        roles: dict[str, NewRole] = {}
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
                        roles.setdefault(name, NewRole(name))
            tell("reading", outcome.read, source.total)
        return roles

    @retry_conflicts
    async def _make_roles(
        self, roles: dict[str, NewRole], outcome: Outcome, *, note: Callable[[Conflict], None], dry_run: bool
    ) -> None:
        """Make the roles that do not exist; without permissions, unless the source says which."""
        made: list[str] = []
        other: list[Conflict] = []
        async with self._db.begin() as tx:
            there = {role.name: role for role in await tx.scalars(select(Role).where(Role.name.in_(roles)))}
            for name, role in sorted(roles.items()):
                if name not in there:
                    made.append(name)
                    if not dry_run:
                        permissions = sorted(role.permissions)
                        tx.add(Role(name=name, description=role.description, permissions=permissions))
                        details = {"after": {"name": name, "permissions": permissions}}
                        record(tx, AuditEvent.ROLE_CREATED, at=self._clock.now(), details=details)
                elif role.is_full and set(role.permissions) != set(there[name].permissions):
                    other.append(
                        Conflict("role_differs", f"role {name}", "it is there with other permissions, which it keeps")
                    )
        outcome.roles = made
        for conflict in other:
            note(conflict)

    async def _bring_in(self, batch: Sequence[Row], *, source: str, dry_run: bool) -> "Findings":
        for _ in range(TRIES - 1):
            try:
                return await self._write(batch, source=source, dry_run=dry_run)
            except IntegrityError:
                continue
        return await self._write(batch, source=source, dry_run=dry_run)

    @retry_conflicts
    async def _write(self, batch: Sequence[Row], *, source: str, dry_run: bool) -> "Findings":
        async with self._db.begin() as tx:
            findings = compare(batch, await _there(tx, batch))
            if findings.new and not dry_run:
                await self._insert(tx, findings.new)
                details = {"source": source, "accounts": len(findings.new)}
                record(tx, AuditEvent.ACCOUNTS_IMPORTED, at=self._clock.now(), details=details)
        return findings

    async def _insert(self, tx: Transaction, rows: Sequence[Row]) -> None:
        # Two statements: in one, every row would need an id, or none.
        for part in ([row for row in rows if row.id is not None], [row for row in rows if row.id is None]):
            if part:
                await tx.execute(insert(User.__table__), [self._values(row) for row in part])  # type: ignore[arg-type]
        names = [row.username.canonical for row in rows if row.username]
        found = await tx.execute(select(User.username_canonical, User.id).where(User.username_canonical.in_(names)))
        ids = dict(found.all())
        wanted = {name for row in rows for name in row.roles}
        role_ids = dict((await tx.execute(select(Role.name, Role.id).where(Role.name.in_(wanted)))).all())
        given = [
            {"user_id": ids[row.username.canonical], "role_id": role_ids[name]}
            for row in rows
            if row.username
            for name in row.roles
        ]
        if given:
            await tx.execute(insert(user_roles), given)
        # Where nobody has signed in yet, nobody has a token that could be taken for one of theirs.
        if await tx.scalar(select(Session.id).limit(1)) is not None:
            there = await tx.scalars(select(User).where(User.id.in_(ids.values())))
            await self._feed.announce(tx, there.all())

    def _values(self, row: Row) -> dict[str, Any]:
        if row.username is None or row.email is None:
            raise AssertionError("a row without a name was refused")
        created_at = row.created_at or row.updated_at or self._clock.now()
        values = {
            "username": row.username.display,
            "username_canonical": row.username.canonical,
            "email": row.email.display,
            "email_canonical": row.email.canonical,
            "email_verified_at": row.email_verified_at,
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


@dataclass(slots=True)
class Findings:
    """How a batch compares with the accounts that are there."""

    new: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def compare(batch: Sequence[Row], there: Sequence[User]) -> Findings:
    """Tell what is new, what is there already, and what another account is in the way of."""
    by_id = {user.id: user for user in there}
    by_username = {user.username_canonical: user for user in there}
    by_email = {user.email_canonical: user for user in there}
    findings = Findings()
    for row in batch:
        if row.username is None or row.email is None:
            raise AssertionError("a row without a name was refused")
        same_name, same_email = by_username.get(row.username.canonical), by_email.get(row.email.canonical)
        same_id = by_id.get(row.id) if row.id is not None else same_name
        reasons: list[Conflict] = []
        if same_id is not None and _is_account(row, same_id, others=(same_name, same_email)):
            if not _is_same(row, same_id):
                reasons = [row.conflict("changed_since", "it was imported, and has changed in the source since")]
        else:
            if row.id is not None and same_id is not None:
                reasons.append(row.conflict("id_taken", "another account here has this id"))
            if same_name is not None:
                reasons.append(row.conflict("username_taken", f"account {same_name.id} here has this user name"))
            if same_email is not None:
                reasons.append(row.conflict("email_taken", f"account {same_email.id} here has this e-mail address"))
            if not reasons:
                findings.new.append(row)
        if reasons:
            findings.refused.append(row)
            findings.conflicts += reasons
    return findings


def _is_account(row: Row, user: User, *, others: tuple[User | None, User | None]) -> bool:
    """Whether the account came from this row; where id and first day say so, one of its names may be another."""
    if all(other is user for other in others):
        return True
    return (
        row.id is not None
        and row.created_at == user.created_at
        and any(other is user for other in others)
        and all(other in (None, user) for other in others)
    )


def _is_same(row: Row, user: User) -> bool:
    """Whether the account is as it was imported, or has gone on from there: a sign-in replaces an old hash."""
    has_same_names = (row.username and row.username.canonical, row.email and row.email.canonical) == (
        user.username_canonical,
        user.email_canonical,
    )
    if has_same_names and row.password_hash == user.password_hash:
        return True
    if row.updated_at is not None:
        return user.updated_at > row.updated_at
    is_upgraded = user.password_hash.startswith(OURS_PREFIX) and not row.password_hash.startswith(OURS_PREFIX)
    return has_same_names and is_upgraded


async def _there(tx: Transaction, batch: Sequence[Row]) -> Sequence[User]:
    # One search an index; MySQL would read the whole table for all three in one condition.
    ids = [row.id for row in batch if row.id is not None]
    names = [row.username.canonical for row in batch if row.username]
    emails = [row.email.canonical for row in batch if row.email]
    found: dict[int, User] = {}
    for condition in (User.id.in_(ids), User.username_canonical.in_(names), User.email_canonical.in_(emails)):
        for user in await tx.scalars(select(User).where(condition)):
            found[user.id] = user
    return list(found.values())
