"""Queries of whoever looks after others: pages of accounts, accounts and roles to be changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    FromClause,
    Select,
    case,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from gatepost.accounts.models import RetiredRoleName, Role, User, user_roles
from gatepost.admin.search import Cursor, Filter, Search, Sort, Status
from gatepost.core.database import Transaction

# No name and no address holds it, and every character that they hold comes before it.
AFTER_ALL = "\U0010ffff"
# A filtered list is counted up to here.
CAP = 10_000
# A search looks at so many names and so many addresses; each that it finds is a row to be read.
SEARCH_CAP = 1_000
# So many accounts are looked at in one go.
PAGE = 500
MYSQL = ("mysql", "mariadb")
COLUMNS: dict[str, tuple[InstrumentedAttribute[Any], str]] = {
    "id": (User.id, "PRIMARY"),
    "username": (User.username_canonical, "uq_users_username_canonical"),
    "email": (User.email_canonical, "uq_users_email_canonical"),
    "createdAt": (User.created_at, "ix_users_created_at"),
}
STATUS_INDEXES = {
    Status.DISABLED: "ix_users_disabled_at",
    Status.UNVERIFIED: "ix_users_email_verified_at",
    Status.DELETING: "ix_users_erase_at",
}


@dataclass(frozen=True, slots=True)
class Total:
    """How many accounts there are; with `is_exact` false, there may be more."""

    count: int
    is_exact: bool


class AccountPages:
    """Pages of accounts, within one transaction.

    How a page is found depends on how many accounts fit. Few: all of them by the filter's index, then sorted. Many:
    along the index of the order, until the page is full. Databases guess which; we know.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def total(self, wanted: Filter) -> Total:
        """Count the accounts that fit: exactly without a filter, and up to a cap with one."""
        if wanted == Filter():
            return Total(await self._tx.scalar(select(func.count()).select_from(User)) or 0, is_exact=True)
        if wanted.search is not None:
            return await self._total_found(wanted, _matches(wanted.search))
        if wanted.role is not None and wanted.status is None and not wanted.ids:
            query = select(user_roles.c.user_id).where(user_roles.c.role_id == _role_id(wanted.role))
        else:
            query = _where(select(User.id), wanted)
        count = await self._tx.scalar(select(func.count()).select_from(query.limit(CAP + 1).subquery())) or 0
        return Total(min(count, CAP), is_exact=count <= CAP)

    async def page(
        self, wanted: Filter, sort: Sort, *, size: int, offset: int, after: Cursor | None, is_narrow: bool
    ) -> Sequence[User]:
        """Return accounts in order; `is_narrow` says that no more than the cap fit."""
        ids = await self._tx.scalars(
            page_query(wanted, sort, after=after, is_narrow=is_narrow, size=size, offset=offset)
        )
        order = {user_id: place for place, user_id in enumerate(ids)}
        query = select(User).options(selectinload(User.roles)).where(User.id.in_(order))
        return sorted(await self._tx.scalars(query), key=lambda user: order[user.id])

    async def _total_found(self, wanted: Filter, matches: FromClause) -> Total:
        looked_at = count = await self._tx.scalar(select(func.count()).select_from(matches)) or 0
        if wanted.role is not None or wanted.status is not None or wanted.ids:
            query = _where(select(User.id).join(matches, matches.c.id == User.id), wanted)
            count = await self._tx.scalar(select(func.count()).select_from(query.subquery())) or 0
        return Total(count, is_exact=looked_at < SEARCH_CAP)


def page_query(
    wanted: Filter, sort: Sort, *, after: Cursor | None, is_narrow: bool, size: int, offset: int
) -> Select[int]:
    """Return the query for the ids of a page, which reads indexes alone where it can."""
    column, index = COLUMNS[sort.field]
    query = select(User.id)
    if wanted.search is not None:
        matches = _matches(wanted.search)
        query = _where(query.join(matches, matches.c.id == User.id), wanted)
    elif is_narrow:
        query = _where(query, wanted)
        if wanted.role is None and wanted.status in STATUS_INDEXES and not wanted.ids:
            query = _by_index(query, STATUS_INDEXES[wanted.status])
    else:
        query = _by_index(_where(query, wanted, one_by_one=True), index)
    if after is not None:
        query = query.where(*_beyond(column, after))
    keys = [column] if sort.field != "createdAt" else [column, User.id]
    return query.order_by(*(key.desc() if sort.is_down else key.asc() for key in keys)).limit(size).offset(offset)


def _where(query: Select[int], wanted: Filter, *, one_by_one: bool = False) -> Select[int]:
    if wanted.ids:
        query = query.where(User.id.in_(wanted.ids))
    match wanted.status:
        case Status.ACTIVE:
            query = query.where(User.disabled_at.is_(None), User.erase_at.is_(None))
        case Status.DISABLED:
            query = query.where(User.disabled_at.is_not(None))
        case Status.UNVERIFIED:
            query = query.where(User.email_verified_at.is_(None))
        case Status.DELETING:
            query = query.where(User.erase_at.is_not(None))
    if wanted.role is not None:
        query = query.where(_has_role(wanted.role, one_by_one=one_by_one))
    return query


def _has_role(role: str, *, one_by_one: bool) -> ColumnElement[bool]:
    holders = user_roles.c.role_id == _role_id(role)
    if not one_by_one:
        return User.id.in_(select(user_roles.c.user_id).where(holders))
    # As a number: MariaDB turns EXISTS and IN round and begins with all holders.
    query = select(func.count()).select_from(user_roles).where(user_roles.c.user_id == User.id, holders)
    return query.correlate(User).scalar_subquery() > 0


def _role_id(name: str) -> ColumnElement[int]:
    return select(Role.id).where(Role.name == name).scalar_subquery()


def _by_index(query: Select[int], index: str) -> Select[int]:
    for dialect in MYSQL:
        query = query.with_hint(User, f"FORCE INDEX ({index})", dialect)
    return query


def _matches(search: Search) -> FromClause:
    """Return the ids that a search finds, each once; ranges, and not LIKE, which SQLite has no index for."""
    parts: list[Select[Any]] = []
    for column, start in ((User.username_canonical, search.username), (User.email_canonical, search.email)):
        if start is not None:
            found = select(User.id.label("id")).where(column >= start, column < start + AFTER_ALL)
            parts.append(select(found.order_by(column).limit(SEARCH_CAP).subquery().c.id))
    if search.user_id is not None:
        parts.append(select(User.id.label("id")).where(User.id == search.user_id))
    if not parts:
        return select(literal(0).label("id")).where(false()).subquery("matches")
    return union(*parts).subquery("matches")


def _beyond(column: InstrumentedAttribute[Any], after: Cursor) -> list[ColumnElement[bool]]:
    is_down = after.sort.is_down
    if after.sort.field != "createdAt":
        return [column < after.value if is_down else column > after.value]
    # The first condition is what the index is read by.
    if is_down:
        return [column <= after.value, or_(column < after.value, User.id < after.user_id)]
    return [column >= after.value, or_(column > after.value, User.id > after.user_id)]


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
