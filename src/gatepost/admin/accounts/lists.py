"""Reads pages of accounts, and chooses the index for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from gatepost.admin.accounts import finding
from gatepost.admin.accounts.finding import Found
from gatepost.admin.accounts.search import MOMENTS, Cursor, FactorFilter, Filter, Sort, Status
from gatepost.core.db.database import Transaction
from gatepost.core.db.tables import UNREADABLE
from gatepost.core.ids import LARGEST_ID
from gatepost.identity.accounts.models import Role, User, user_roles
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.enrolment import IS_SET_UP, OWNERS, methods_in
from gatepost.identity.factors.methods import Method

# The number of accounts that are checked one by one, in the order of the list, until a page is full.
WALK = 20_000
MYSQL = ("mysql", "mariadb")
COLUMNS: dict[str, tuple[InstrumentedAttribute[Any], str]] = {
    "id": (User.id, "PRIMARY"),
    "username": (User.username_canonical, "uq_users_username_canonical"),
    "email": (User.email_canonical, "uq_users_email_canonical"),
    "createdAt": (User.created_at, "ix_users_created_at"),
    "lastSignInAt": (User.last_sign_in_at, "ix_users_last_sign_in_at"),
}
STATUS_INDEXES = {
    Status.DISABLED: "ix_users_disabled_at",
    Status.UNVERIFIED: "ix_users_email_verified_at",
    Status.DELETING: "ix_users_erase_at",
}

# By what accounts can be found: the column of the account, and what else must hold.
FILTERED = {**OWNERS, Method.PROVIDER: (ExternalIdentity.user_id, true())}


@dataclass(frozen=True, slots=True)
class Account:
    """An account, the factors with which its owner can authenticate besides a password, and their identities."""

    user: User
    factors: Sequence[Method]
    identities: Sequence[ExternalIdentity]


@dataclass(frozen=True, slots=True)
class Total:
    """The number of accounts; if `is_exact` is false, there may be more."""

    count: int
    is_exact: bool

    def at_least(self, count: int) -> "Total":
        """Return a total that is not below a known number of accounts."""
        return self if self.is_exact else Total(max(self.count, count), is_exact=False)


@dataclass(frozen=True, slots=True)
class Place:
    """The position and size of a page: `size` accounts after a cursor, or after `offset` others."""

    sort: Sort
    size: int
    offset: int = 0
    after: Cursor | None = None


class AccountList:
    """The accounts that match a filter, within one transaction.

    How a page is read depends on how many accounts match. If they are few, all of them are read with the index of the
    filter or of the words, and sorted. If they are many, they are read in the order of the list, with its index, until
    the page is full. Databases would have to guess which is better; here it is known.
    """

    def __init__(self, tx: Transaction, wanted: Filter, found: Found | None) -> None:
        self._tx = tx
        self._wanted = wanted
        self._found = found
        self._unsearched: Total | None = None
        self._is_filtered = replace(wanted, search=None) != Filter()

    @classmethod
    async def of(cls, tx: Transaction, wanted: Filter) -> "AccountList":
        """Look up the search of a filter, if it has one."""
        return cls(tx, wanted, None if wanted.search is None else await Found.look_up(tx, wanted.search))

    async def total(self) -> Total:
        """Count the matching accounts: exactly without a filter, up to `CAP` with one."""
        if self._wanted == Filter():
            return Total(await self._tx.scalar(select(func.count()).select_from(User)) or 0, is_exact=True)
        if self._found is not None:
            total = await self._count(self._to_count(self._found))
            return replace(total, is_exact=total.is_exact and self._found.is_narrow)
        return await self._total_unsearched()

    async def page(self, place: Place) -> Sequence[Account]:
        """Return accounts in order, with their roles."""
        ids = await self._ids(place)
        order = {user_id: number for number, user_id in enumerate(ids)}
        query = select(User, *IS_SET_UP.values()).options(selectinload(User.roles)).where(User.id.in_(order))
        identities = await Identities(self._tx).of_all(ids)
        found = [
            Account(user, methods_in(has), identities.get(user.id, ())) for user, *has in await self._tx.execute(query)
        ]
        return sorted(found, key=lambda account: order[account.user.id])

    async def _ids(self, place: Place) -> Sequence[int]:
        ids = await self._ids_from(place)
        others = _other_half(place.after)
        if others is not None and len(ids) < place.size:
            ids = [*ids, *await self._ids_from(replace(place, after=others, size=place.size - len(ids)))]
        return ids

    async def _ids_from(self, place: Place) -> Sequence[int]:
        wanted, found = self._wanted, self._found
        if found is None:
            is_narrow = self._is_filtered and (await self._total_unsearched()).is_exact
            return await self._read(filtered(wanted) if is_narrow else along(wanted, place.sort), place)
        if found.is_narrow:
            return await self._read(searched(wanted, found), place)
        if self._is_filtered and (await self._total_unsearched()).is_exact:
            return await self._read(filtered(wanted).where(found.fits()), place)
        if place.sort.field == "id" and len(found.terms) == 1 and not self._is_filtered:
            words = await found.words(self._tx)
            if words:
                return await self._merge(found, words, place)
        ids = await self._walk(found, place)
        return ids if len(ids) == place.size else await self._look_far(found, place)

    async def _merge(self, found: Found, words: Sequence[str], place: Place) -> Sequence[int]:
        """Read the accounts of a few words, ordered by id, and no more of each word than the page can need."""
        after = None if place.after is None else place.after.user_id
        is_down = place.sort.is_down
        matches = found.by_id(words, is_down=is_down, after=after, most=place.offset + place.size)
        query = select(matches.c.id).distinct().order_by(matches.c.id.desc() if is_down else matches.c.id)
        return (await self._tx.scalars(query.limit(place.size).offset(place.offset))).all()

    async def _walk(self, found: Found, place: Place) -> Sequence[int]:
        """Check the next `WALK` accounts one by one, and return those that match; there may be more further on."""
        column, index = COLUMNS[place.sort.field]
        last = _from(select(column, User.id), replace(place, size=1, offset=WALK))
        end = (await self._tx.execute(_by_index(last, index))).one_or_none()
        query = along(self._wanted, place.sort).where(found.fits())
        if end is not None:
            if end[0] is None:
                return []
            query = query.where(column >= end[0] if place.sort.is_down else column <= end[0])
        return await self._read(query, place)

    async def _look_far(self, found: Found, place: Place) -> Sequence[int]:
        """Find accounts that come late in the order: by their words, or one by one if a single term has too many."""
        ranked, is_too_many = await found.look_further(self._tx)
        if is_too_many and len(ranked.terms) == 1:
            return await self._read(along(self._wanted, place.sort).where(ranked.fits()), place)
        return await self._read(searched(self._wanted, ranked, most=finding.FAR), place)

    async def _read(self, query: Select[int], place: Place) -> Sequence[int]:
        return (await self._tx.scalars(_from(query, place))).all()

    async def _total_unsearched(self) -> Total:
        if self._unsearched is None:
            wanted = replace(self._wanted, search=None)
            query = _where(select(User.id), wanted)
            if wanted.role is not None and wanted == Filter(role=wanted.role):
                query = select(user_roles.c.user_id).where(user_roles.c.role_id == _role_id(wanted.role))
            self._unsearched = await self._count(query)
        return self._unsearched

    def _to_count(self, found: Found) -> Select[int]:
        if self._is_filtered:
            return searched(self._wanted, found, most=finding.CAP + 1)
        # Without joining the accounts: words are deleted with them.
        return select(found.matches(most=finding.CAP + 1).c.id)

    async def _count(self, query: Select[Any]) -> Total:
        count = await self._tx.scalar(select(func.count()).select_from(query.limit(finding.CAP + 1).subquery())) or 0
        return Total(min(count, finding.CAP), is_exact=count <= finding.CAP)


def filtered(wanted: Filter) -> Select[int]:
    """Return the query for the accounts that match all but the search, with the index of the filter."""
    query = _where(select(User.id), wanted)
    if wanted.role is None and wanted.status in STATUS_INDEXES and not wanted.ids:
        query = _by_index(query, STATUS_INDEXES[wanted.status])
    return query


def along(wanted: Filter, sort: Sort) -> Select[int]:
    """Return the query for the accounts that match all but the search, one by one with the index of the order."""
    return _by_index(_where(select(User.id), wanted, one_by_one=True), COLUMNS[sort.field][1])


def searched(wanted: Filter, found: Found, *, most: int | None = None) -> Select[int]:
    """Return the query for the matching accounts by the words of the search; it reads at most `most` entries."""
    matches = found.matches(most=most)
    query = select(User.id).select_from(matches).join(User, User.id == matches.c.id)
    for dialect in MYSQL:
        # Otherwise it may still read in the order of the list, which is slow if the matches come last.
        query = query.prefix_with("STRAIGHT_JOIN", dialect=dialect)
    return _where(query, wanted, one_by_one=True)


def _from(query: Select[Any], place: Place) -> Select[Any]:
    """Restrict a query to a page."""
    column, _ = COLUMNS[place.sort.field]
    if place.after is not None:
        query = query.where(*_beyond(column, place.after))
    keys = [column, User.id] if place.sort.field in MOMENTS else [column]
    order = (key.desc() if place.sort.is_down else key.asc() for key in keys)
    return query.order_by(*order).limit(place.size).offset(place.offset)


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
    if wanted.factor is not None:
        has = or_(*(_has_factor(method, one_by_one=one_by_one) for method in wanted.factor.methods))
        query = query.where(not_(has) if wanted.factor is FactorFilter.NONE else has)
    return query


def _has_role(role: str, *, one_by_one: bool) -> ColumnElement[bool]:
    holders = user_roles.c.role_id == _role_id(role)
    if not one_by_one:
        return User.id.in_(select(user_roles.c.user_id).where(holders))
    # As a count, because MariaDB would rewrite EXISTS and IN, and start with all holders.
    query = select(func.count()).select_from(user_roles).where(user_roles.c.user_id == User.id, holders)
    return query.correlate(User).scalar_subquery() > 0


def _has_factor(method: Method, *, one_by_one: bool) -> ColumnElement[bool]:
    owner, counts = FILTERED[method]
    if not one_by_one:
        return User.id.in_(select(owner).where(counts))
    query = select(func.count()).where(owner == User.id, counts)
    return query.correlate(User).scalar_subquery() > 0


def _role_id(name: str) -> ColumnElement[int]:
    return select(Role.id).where(Role.name == name).scalar_subquery()


def _by_index(query: Select[Any], index: str) -> Select[Any]:
    for dialect in MYSQL:
        query = query.with_hint(User, f"FORCE INDEX ({index})", dialect)
    return query


def _beyond(column: InstrumentedAttribute[Any], after: Cursor) -> list[ColumnElement[bool]]:
    is_down = after.sort.is_down
    if after.sort.field not in MOMENTS:
        return [column < after.value if is_down else column > after.value]
    if after.value is None:
        return [column.is_(None), User.id < after.user_id if is_down else User.id > after.user_id]
    # The first condition lets the database use the index.
    if is_down:
        return [column <= after.value, or_(column < after.value, User.id < after.user_id)]
    return [column >= after.value, or_(column > after.value, User.id > after.user_id)]


def _other_half(after: Cursor | None) -> Cursor | None:
    """Return the start of the other part of a list whose sort column can be NULL: accounts with or without a value.

    No single range of an index contains both.
    """
    if after is None or after.sort.field != "lastSignInAt" or (after.value is None) is after.sort.is_down:
        return None
    if after.sort.is_down:
        return replace(after, value=None, user_id=LARGEST_ID)
    return replace(after, value=UNREADABLE, user_id=0)
