"""Queries of whoever looks after others: accounts and roles to be changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, case, delete, func, select, update
from sqlalchemy.orm import joinedload, selectinload

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import RetiredRoleName, Role, User, user_roles

# So many accounts are looked at in one go.
PAGE = 500


class ManagedUsers:
    """Accounts that are about to be changed, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def lock(self, *, actor_id: int | None, user_id: int) -> tuple[User | None, User | None]:
        """Return who acts, if it is an account, and on whom: the one kept from changing, the other to be changed.

        Rows are locked in the order of their ids, so that two who act on each other do so one after the other.
        """
        ids = sorted({user_id} if actor_id is None else {actor_id, user_id})
        for locked_id in ids:
            query = select(User.id).where(User.id == locked_id).with_for_update(read=locked_id != user_id)
            await self._tx.execute(query)
        found = {user.id: user for user in await self._load(*ids)}
        return None if actor_id is None else found.get(actor_id), found.get(user_id)

    async def _load(self, *ids: int) -> Sequence[User]:
        query = select(User).options(joinedload(User.roles)).where(User.id.in_(ids))
        # What was read before the lock may be old by now.
        return (await self._tx.scalars(query.execution_options(populate_existing=True))).unique().all()


class ManagedRoles:
    """The roles and their holders, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def all(self) -> Sequence[Role]:
        """Return every role, by id."""
        return (await self._tx.scalars(select(Role).order_by(Role.id))).all()

    async def lock(self, role_id: int) -> Role | None:
        """Return a role to be changed; nobody is given it until the transaction ends."""
        query = select(Role).where(Role.id == role_id).with_for_update().execution_options(populate_existing=True)
        return await self._tx.scalar(query)

    async def add(self, role: Role) -> Role:
        """Insert a role and give it its id.

        Raises:
            IntegrityError: its name is taken.
        """
        self._tx.add(role)
        await self._tx.flush()
        return role

    async def holders(self, role_id: int, *, above: int, limit: int) -> Sequence[int]:
        """Return the ids of accounts with a role that are greater than `above`, in order."""
        query = select(user_roles.c.user_id).where(user_roles.c.role_id == role_id, user_roles.c.user_id > above)
        return (await self._tx.scalars(query.order_by(user_roles.c.user_id).limit(limit))).all()

    async def take(self, role_id: int, holders: Sequence[int]) -> None:
        """Take a role from accounts, which counts as a change of each."""
        held = user_roles.c.role_id == role_id
        await self._tx.execute(delete(user_roles).where(held, user_roles.c.user_id.in_(holders)))
        changed = update(User).where(User.id.in_(holders)).values(version=User.version + 1)
        await self._tx.execute(changed.execution_options(synchronize_session=False))

    async def heavy_holders(self, role_id: int, sizes: Mapping[int, int], *, most: int, above: int) -> Sequence[User]:
        """Return accounts with a role whose roles together are larger than `most`: the next ones above an id."""
        holders = select(user_roles.c.user_id).where(user_roles.c.role_id == role_id, user_roles.c.user_id > above)
        heavy = (
            select(user_roles.c.user_id)
            .where(user_roles.c.user_id.in_(holders))
            .group_by(user_roles.c.user_id)
            .having(func.sum(case(dict(sizes), value=user_roles.c.role_id, else_=0)) > most)
            .order_by(user_roles.c.user_id)
            .limit(PAGE)
        )
        ids = (await self._tx.scalars(heavy)).all()
        query = select(User).options(selectinload(User.roles)).where(User.id.in_(ids)).order_by(User.id)
        return (await self._tx.scalars(query)).all()

    async def retire(self, name: str, role_id: int, *, until: datetime) -> None:
        """Keep the name that a role had from others."""
        await self._tx.execute(delete(RetiredRoleName).where(RetiredRoleName.name == name))
        self._tx.add(RetiredRoleName(name=name, role_id=role_id, free_at=until))
        await self._tx.flush()

    async def retired(self, names: Collection[str], *, now: datetime) -> Mapping[str, RetiredRoleName]:
        """Return those of these names that roles had and others may not have yet."""
        query = select(RetiredRoleName).where(RetiredRoleName.name.in_(names), RetiredRoleName.free_at > now)
        return {retired.name: retired for retired in await self._tx.scalars(query)}

    async def next_stale(self) -> tuple[int, int] | None:
        """Return a role whose change has not come to all holders, and the id that it has come to."""
        query = select(Role.id, Role.stale_above).where(Role.stale_above.is_not(None)).order_by(Role.id).limit(1)
        row = (await self._tx.execute(query)).one_or_none()
        return None if row is None or row[1] is None else (row[0], row[1])

    async def advance_stale(self, role_id: int, *, above: int, to: int | None) -> bool:
        """Remember how far a change has come, if nobody else has done so since; return whether it was this call."""
        statement = update(Role).where(Role.id == role_id, Role.stale_above == above).values(stale_above=to)
        result = await self._tx.execute(statement.execution_options(synchronize_session=False))
        return cast("CursorResult[Any]", result).rowcount == 1
