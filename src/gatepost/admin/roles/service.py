"""Creates, changes and deletes roles."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.admin.accounts.errors import BeyondAuthority, BuiltInRole, RoleNameRetired, RoleNameTaken, RoleNotFound
from gatepost.admin.accounts.preconditions import Caller, IfMatch, authority_of, tag_of_role
from gatepost.admin.accounts.repository import ManagedRoles
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.db.purging import delete_batch
from gatepost.identity.accounts.authority import Authority
from gatepost.identity.accounts.guards import take_turn
from gatepost.identity.accounts.models import RetiredRoleName, Role
from gatepost.identity.accounts.rights import MOST_BYTES, require_fit, size_of
from gatepost.identity.accounts.roles import Permission, RoleName
from gatepost.identity.invitations.inviters import inviters_touched_by, take_back_beyond_reach
from gatepost.identity.sessions.revocation import RevocationFeed

# Accounts that are written in one transaction.
BATCH = 500


class OvertakenError(Exception):
    """Another replica, or a newer change of the role, was first and continues from there."""


@dataclass(frozen=True, slots=True)
class RoleDraft:
    """A new role; its permissions are sorted."""

    name: str
    description: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleChange:
    """The changes of a role; None means no change."""

    name: str | None = None
    description: str | None = None
    permissions: tuple[str, ...] | None = None


def is_built_in(role: Role) -> bool:
    """Whether the role is built in."""
    return role.name in frozenset(RoleName)


class RoleEditor:
    """Creates, changes and deletes roles. The access tokens of their holders become stale.

    A role can have many holders: the first ones are updated with the change, the others by `propagate`, batch by batch.
    The row of the role stores the progress, so that it survives the end of a process.
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

    async def create(self, draft: RoleDraft, *, by: Caller) -> Role:
        """Create a role.

        Raises:
            RoleNameTaken, RoleNameRetired: another role has this name, or had it recently.
            BeyondAuthority: it would have permissions that the caller does not have.
            RolesTooLong: it does not fit into an access token.
        """
        try:
            return await self._create(draft, by=by)
        except IntegrityError as error:
            raise RoleNameTaken from error

    async def change(self, role_id: int, change: RoleChange, *, if_match: IfMatch, by: Caller) -> Role:
        """Change a role. A new name or new permissions make the access tokens of its holders stale.

        Raises:
            RoleNotFound: there is none with this id. BeyondAuthority: the role has or would get permissions that the
            caller does not have, or the caller lacks `*`, which renaming and changing the role `user` require.
            VersionMismatch: it has changed since the caller read it. BuiltInRole: a new name for a built-in role, or
            new permissions for `admin`. RoleNameTaken, RoleNameRetired: another role has the new name, or had it
            recently. RolesTooLong: the roles of one of its holders no longer fit into an access token.
        """
        try:
            return await self._change(role_id, change, if_match=if_match, by=by)
        except IntegrityError as error:
            raise RoleNameTaken from error

    async def delete(self, role_id: int, *, if_match: IfMatch, by: Caller) -> None:
        """Remove a role from its holders, then delete it. A repeated call continues where the last one stopped.

        Raises:
            RoleNotFound, BeyondAuthority, VersionMismatch: as for a change.
            BuiltInRole: it is a built-in role.
        """
        while not await self._delete(role_id, if_match=if_match, by=by):
            pass

    async def purge(self) -> int:
        """Release names of former roles once no access token with them is valid; return how many."""
        return await delete_batch(self._db, RetiredRoleName.name, RetiredRoleName.free_at <= self._clock.now())

    async def propagate(self) -> int:
        """Make the remaining access tokens from before role changes stale; return the number of accounts.

        All replicas may do so at once: if two write the same batch, one is rolled back.
        """
        done = 0
        with suppress(OvertakenError):
            while (batch := await self._next_batch()) is not None:
                done += batch
        return done

    @retry_conflicts
    async def _create(self, draft: RoleDraft, *, by: Caller) -> Role:
        async with self._db.begin() as tx:
            authority = await authority_of(tx, by, Permission.ROLES_WRITE)
            _require(authority.allows(draft.permissions))
            require_fit([draft])
            role = await ManagedRoles(tx).add(
                Role(name=draft.name, description=draft.description, permissions=list(draft.permissions))
            )
            await self._require_free_name(tx, role)
            self._record(tx, AuditEvent.ROLE_CREATED, by, {"role": role.id, "after": _plain(role)})
        return role

    @retry_conflicts
    async def _change(self, role_id: int, change: RoleChange, *, if_match: IfMatch, by: Caller) -> Role:
        async with self._db.begin() as tx:
            # Two roles that grow at once could be too long together.
            await take_turn(tx)
            role, authority = await self._open(tx, role_id, if_match=if_match, by=by)
            before, old = _plain(role), RoleDraft(role.name, role.description, tuple(role.permissions))
            if change.name is not None and change.name != role.name:
                _require_own(role)
                # Services that check for a role by name would accept all holders of this one.
                _require(authority.is_unlimited)
                role.name = change.name
            if change.description is not None:
                role.description = change.description
            if change.permissions is not None and list(change.permissions) != sorted(role.permissions):
                if role.name == RoleName.ADMIN:
                    raise BuiltInRole("The role admin always has all permissions.")
                _require(authority.allows(change.permissions))
                role.permissions = list(change.permissions)
            if _plain(role) == before:
                return role
            await tx.flush()
            # Access tokens contain the name and the permissions, but not the description.
            if (old.name, old.permissions) != (role.name, tuple(role.permissions)):
                await self._require_holders_fit(tx, role, before=old)
                if role.name != old.name:
                    await self._require_free_name(tx, role)
                    await self._retire(tx, role, old.name)
                role.stale_above, _ = await self._make_stale(tx, role_id, above=0)
                await self._take_back_invitations(tx, await inviters_touched_by(tx, role_id))
            self._record(tx, AuditEvent.ROLE_CHANGED, by, {"role": role_id, "before": before, "after": _plain(role)})
            await tx.flush()
        return role

    @retry_conflicts
    async def _delete(self, role_id: int, *, if_match: IfMatch, by: Caller) -> bool:
        """Remove the role from some holders, or delete it with the last ones; return whether it was deleted."""
        async with self._db.begin() as tx:
            # Nobody can use this role to invite people in the meantime.
            await take_turn(tx)
            role, _ = await self._open(tx, role_id, if_match=if_match, by=by)
            _require_own(role)
            roles = ManagedRoles(tx)
            holders = await roles.holders(role_id, above=0, limit=BATCH)
            inviters = set(holders) & set(await inviters_touched_by(tx, role_id))
            await roles.take(role_id, holders)
            await self._take_back_invitations(tx, inviters)
            await self._feed.revoke_accounts(tx, holders)
            is_last = len(holders) < BATCH
            if is_last:
                await self._retire(tx, role, role.name)
                await tx.delete(role)
                self._record(tx, AuditEvent.ROLE_DELETED, by, {"role": role_id, "before": _plain(role)})
        return is_last

    @retry_conflicts
    async def _next_batch(self) -> int | None:
        """Make the tokens of one batch stale; None if nothing is left to do."""
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

    async def _open(self, tx: Transaction, role_id: int, *, if_match: IfMatch, by: Caller) -> tuple[Role, Authority]:
        authority = await authority_of(tx, by, Permission.ROLES_WRITE)
        role = _found(await ManagedRoles(tx).lock(role_id))
        _require(authority.governs(role))
        if_match.require(tag_of_role(role))
        return role, authority

    async def _require_holders_fit(self, tx: Transaction, role: Role, *, before: RoleDraft) -> None:
        """Check that a changed role fits into the tokens of all its holders; usually a sum is enough."""
        require_fit([role], before=[before])
        roles, above = ManagedRoles(tx), 0
        sizes = {each.id: size_of([each]) for each in await roles.all()}
        if sum(sizes.values()) <= MOST_BYTES:
            return
        while holders := await roles.heavy_holders(role.id, sizes, most=MOST_BYTES, above=above):
            for user in holders:
                require_fit(user.roles, before=[before if held is role else held for held in user.roles])
            above = holders[-1].id

    async def _require_free_name(self, tx: Transaction, role: Role) -> None:
        # The name already belongs to this role, so nobody can retire it in the meantime.
        retired = (await ManagedRoles(tx).retired([role.name], now=self._clock.now())).get(role.name)
        if retired is not None and retired.role_id != role.id:
            raise RoleNameRetired(
                f"Another role had this name. It is free from {retired.free_at:%Y-%m-%d %H:%M} UTC on."
            )

    async def _take_back_invitations(self, tx: Transaction, inviters: Collection[int]) -> None:
        await take_back_beyond_reach(tx, inviters, reason="role_changed", now=self._clock.now())

    async def _retire(self, tx: Transaction, role: Role, name: str) -> None:
        await ManagedRoles(tx).retire(name, role.id, until=self._feed.end_of_tokens(self._clock.now()))

    def _record(self, tx: Transaction, event: AuditEvent, by: Caller, details: dict[str, Any]) -> None:
        record(tx, event, at=self._clock.now(), actor_id=by.user_id, info=by.info, details=details)


def _found(role: Role | None) -> Role:
    if role is None:
        raise RoleNotFound
    return role


def _require(is_within: bool) -> None:
    if not is_within:
        raise BeyondAuthority


def _require_own(role: Role) -> None:
    if is_built_in(role):
        raise BuiltInRole


def _plain(role: Role) -> dict[str, Any]:
    return {"name": role.name, "description": role.description, "permissions": sorted(role.permissions)}
