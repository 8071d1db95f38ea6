"""Queries of the administration: accounts and roles that are changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import joinedload, selectinload

from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.accounts.models import RetiredRoleName, Role, User, user_roles

# Accounts that are read at once.
PAGE = 500


class ManagedUsers:
    """Accounts to be changed, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def lock(self, *, actor_id: int | None, user_id: int) -> tuple[User | None, User | None]:
        """Lock and return the acting account, if there is one, against changes, and the account to be changed.

        Rows are locked in the order of their ids, so that two administrators who change each other do not deadlock.
        """
        ids = sorted({user_id} if actor_id is None else {actor_id, user_id})
        for locked_id in ids:
            query = select(User.id).where(User.id == locked_id).with_for_update(read=locked_id != user_id)
            await self._tx.execute(query)
        found = {user.id: user for user in await self._load(*ids)}
        return None if actor_id is None else found.get(actor_id), found.get(user_id)

    async def _load(self, *ids: int) -> Sequence[User]:
        query = select(User).options(joinedload(User.roles)).where(User.id.in_(ids))
        # Data that was read before the lock may be outdated.
        return (await self._tx.scalars(query.execution_options(populate_existing=True))).unique().all()


class ManagedRoles:
    """The roles and their holders, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def all(self) -> Sequence[Role]:
        """Return every role, by id."""
        return (await self._tx.scalars(select(Role).order_by(Role.id))).all()

    async def lock(self, role_id: int) -> Role | None:
        """Lock and return a role to be changed; nobody can be given it until the transaction ends."""
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
        """Return the ids of accounts with a role above `above`, in order."""
        query = select(user_roles.c.user_id).where(user_roles.c.role_id == role_id, user_roles.c.user_id > above)
        return (await self._tx.scalars(query.order_by(user_roles.c.user_id).limit(limit))).all()

    async def take(self, role_id: int, holders: Sequence[int]) -> None:
        """Remove a role from accounts, which counts as a change of each account."""
        held = user_roles.c.role_id == role_id
        await self._tx.execute(delete(user_roles).where(held, user_roles.c.user_id.in_(holders)))
        changed = update(User).where(User.id.in_(holders)).values(version=User.version + 1)
        await self._tx.execute(changed.execution_options(synchronize_session=False))

    async def heavy_holders(self, role_id: int, sizes: Mapping[int, int], *, most: int, above: int) -> Sequence[User]:
        """Return the next accounts above an id that have a role and whose roles together are larger than `most`."""
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
        """Retire the name of a role, so that other roles cannot use it."""
        await self._tx.execute(delete(RetiredRoleName).where(RetiredRoleName.name == name))
        self._tx.add(RetiredRoleName(name=name, role_id=role_id, free_at=until))
        await self._tx.flush()

    async def retired(self, names: Collection[str], *, now: datetime) -> Mapping[str, RetiredRoleName]:
        """Return which of these names are retired."""
        query = select(RetiredRoleName).where(RetiredRoleName.name.in_(names), RetiredRoleName.free_at > now)
        return {retired.name: retired for retired in await self._tx.scalars(query)}

    async def next_stale(self) -> tuple[int, int] | None:
        """Return a role whose change has not reached all holders, and the id that it has reached."""
        query = select(Role.id, Role.stale_above).where(Role.stale_above.is_not(None)).order_by(Role.id).limit(1)
        row = (await self._tx.execute(query)).one_or_none()
        return None if row is None or row[1] is None else (row[0], row[1])

    async def advance_stale(self, role_id: int, *, above: int, to: int | None) -> bool:
        """Store how far a change has got, unless somebody else did so; return whether this call did it."""
        statement = update(Role).where(Role.id == role_id, Role.stale_above == above).values(stale_above=to)
        return await rows_changed(self._tx, statement.execution_options(synchronize_session=False)) == 1
