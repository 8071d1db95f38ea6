"""The roles themselves: what they are called, and what they allow."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.access.authority import Authority
from gatepost.access.principal import RoleName
from gatepost.accounts.models import Role
from gatepost.admin.acts import Caller, Seen, authority_of, tag_of_role
from gatepost.admin.errors import BeyondAuthority, BuiltInRole, RoleNameTaken, RoleNotFound
from gatepost.admin.repository import ManagedRoles
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, retry_conflicts
from gatepost.sessions.revocation import RevocationFeed

# So many accounts are written in one transaction.
BATCH = 500


class OvertakenError(Exception):
    """Another replica, or a newer change of the role, was first; it goes on from there."""


@dataclass(frozen=True, slots=True)
class NewRole:
    """A role that is to be made; its permissions are sorted."""

    name: str
    description: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What is to change about a role; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    permissions: tuple[str, ...] | None = None


def is_built_in(role: Role) -> bool:
    """Whether every deployment has the role."""
    return role.name in frozenset(RoleName)


class RoleEditor:
    """Makes, changes and deletes roles; the access tokens of their holders become stale.

    The holders of a role can be many: the first ones are written with the change, the others by `go_on`, batch by
    batch, and the row of the role keeps how far that has come, so that nothing is lost with a process.
    """

    def __init__(self, database: Database, clock: Clock, feed: RevocationFeed) -> None:
        self._db = database
        self._clock = clock
        self._feed = feed

    async def list(self) -> Sequence[Role]:
        """Return every role, by id."""
        async with self._db.read() as tx:
            return await ManagedRoles(tx).all()

    async def get(self, role_id: int) -> Role:
        """Return a role.

        Raises:
            RoleNotFound: there is none with this id.
        """
        async with self._db.read() as tx:
            return _found(await tx.get(Role, role_id))

    async def create(self, wish: NewRole, *, by: Caller) -> Role:
        """Make a role.

        Raises:
            RoleNameTaken: there is one with this name.
            BeyondAuthority: it would allow what the caller is not allowed.
        """
        try:
            return await self._create(wish, by=by)
        except IntegrityError as error:
            raise RoleNameTaken from error

    async def change(self, role_id: int, change: RoleChange, *, seen: Seen, by: Caller) -> Role:
        """Change a role. After another name or other permissions, the access tokens of its holders are stale.

        Raises:
            RoleNotFound: there is none with this id.
            BeyondAuthority: it allows, or would allow, what the caller is not allowed.
            VersionMismatch: it is not as the caller has seen it.
            BuiltInRole: another name for a built-in role, or other permissions for `admin`.
            RoleNameTaken: there is one with the new name.
        """
        try:
            return await self._change(role_id, change, seen=seen, by=by)
        except IntegrityError as error:
            raise RoleNameTaken from error

    async def delete(self, role_id: int, *, seen: Seen, by: Caller) -> None:
        """Delete a role, and take it from its holders before; asked once more, it goes on where it was.

        Raises:
            RoleNotFound, BeyondAuthority, VersionMismatch: as for a change.
            BuiltInRole: every deployment has it.
        """
        while not await self._delete(role_id, seen=seen, by=by):
            pass

    async def go_on(self) -> int:
        """Make stale what access tokens of before a change of a role there still are; return of how many accounts.

        Every replica may do so at once: of two that write the same batch, one is undone.
        """
        done = 0
        with suppress(OvertakenError):
            while (batch := await self._next_batch()) is not None:
                done += batch
        return done

    @retry_conflicts
    async def _create(self, wish: NewRole, *, by: Caller) -> Role:
        async with self._db.begin() as tx:
            _require(await authority_of(tx, by), wish.permissions)
            role = await ManagedRoles(tx).add(
                Role(name=wish.name, description=wish.description, permissions=list(wish.permissions))
            )
            self._record(tx, AuditEvent.ROLE_CREATED, by, {"role": role.id, "after": _plain(role)})
        return role

    @retry_conflicts
    async def _change(self, role_id: int, change: RoleChange, *, seen: Seen, by: Caller) -> Role:
        async with self._db.begin() as tx:
            role, authority = await self._open(tx, role_id, seen=seen, by=by)
            before, told = _plain(role), (role.name, list(role.permissions))
            if change.name is not None and change.name != role.name:
                _require_own(role)
                role.name = change.name
            if change.description is not None:
                role.description = change.description
            if change.permissions is not None and list(change.permissions) != sorted(role.permissions):
                if role.name == RoleName.ADMIN:
                    raise BuiltInRole("The role admin may always do everything.")
                _require(authority, change.permissions)
                role.permissions = list(change.permissions)
            if _plain(role) == before:
                return role
            await tx.flush()
            # Access tokens carry the name and the permissions, and not the description.
            if told != (role.name, role.permissions):
                role.stale_above, _ = await self._make_stale(tx, role_id, above=0)
            self._record(tx, AuditEvent.ROLE_CHANGED, by, {"role": role_id, "before": before, "after": _plain(role)})
            await tx.flush()
        return role

    @retry_conflicts
    async def _delete(self, role_id: int, *, seen: Seen, by: Caller) -> bool:
        """Take the role from some holders, or delete it with the last ones; return whether it has gone."""
        async with self._db.begin() as tx:
            role, _ = await self._open(tx, role_id, seen=seen, by=by)
            _require_own(role)
            roles = ManagedRoles(tx)
            holders = await roles.holders(role_id, above=0, limit=BATCH)
            await roles.take(role_id, holders)
            await self._feed.revoke_accounts(tx, holders)
            is_last = len(holders) < BATCH
            if is_last:
                await tx.delete(role)
                self._record(tx, AuditEvent.ROLE_DELETED, by, {"role": role_id, "before": _plain(role)})
        return is_last

    @retry_conflicts
    async def _next_batch(self) -> int | None:
        """Make the tokens of one batch stale; None where there is nothing left to do."""
        async with self._db.begin() as tx:
            roles = ManagedRoles(tx)
            found = await roles.next_stale()
            if found is None:
                return None
            role_id, above = found
            last, count = await self._make_stale(tx, role_id, above=above)
            if not await roles.advance_stale(role_id, above=above, to=last):
                raise OvertakenError
        return count

    async def _make_stale(self, tx: Transaction, role_id: int, *, above: int) -> tuple[int | None, int]:
        """Make the tokens of the next holders stale; return the last one's id, or None at the end, and how many."""
        holders = await ManagedRoles(tx).holders(role_id, above=above, limit=BATCH)
        if holders:
            await self._feed.revoke_accounts(tx, holders)
        return holders[-1] if len(holders) == BATCH else None, len(holders)

    async def _open(self, tx: Transaction, role_id: int, *, seen: Seen, by: Caller) -> tuple[Role, Authority]:
        authority = await authority_of(tx, by)
        role = _found(await ManagedRoles(tx).lock(role_id))
        _require(authority, role.permissions)
        seen.require(tag_of_role(role))
        return role, authority

    def _record(self, tx: Transaction, event: AuditEvent, by: Caller, details: dict[str, Any]) -> None:
        record(tx, event, at=self._clock.now(), actor_id=by.user_id, client=by.client, details=details)


def _found(role: Role | None) -> Role:
    if role is None:
        raise RoleNotFound
    return role


def _require(authority: Authority, permissions: Sequence[str]) -> None:
    if not authority.allows(permissions):
        raise BeyondAuthority


def _require_own(role: Role) -> None:
    if is_built_in(role):
        raise BuiltInRole


def _plain(role: Role) -> dict[str, Any]:
    return {"name": role.name, "description": role.description, "permissions": sorted(role.permissions)}
