"""What a search stands for in the database: accounts that are named whole, and words that accounts must have."""

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, FromClause, Select, and_, false, func, literal, or_, select, true, union
from sqlalchemy.orm import InstrumentedAttribute

from gatepost.accounts.models import SearchWord, User
from gatepost.admin.search import Search
from gatepost.core.database import Transaction

# No word holds it, and every character that they hold comes before it.
AFTER_ALL = "\U0010ffff"
# So many entries of one word are read, joined and sorted at once; what has more is read along the order of the list.
CAP = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """Accounts that a search names whole, and its terms, the rarest first; `is_narrow`: that one has few entries."""

    ids: tuple[int, ...]
    terms: tuple[str, ...]
    is_narrow: bool

    @classmethod
    async def look_up(cls, tx: Transaction, search: Search) -> Self:
        """Ask, in one statement, whom a search names whole, and how many entries each term has, up to the cap."""
        whole = [
            select(User.id).where(column == value).scalar_subquery()
            for column, value in (
                (User.username_canonical, search.username),
                (User.email_canonical, search.email),
                (User.id, search.user_id),
            )
            if value is not None
        ]
        counts = [
            select(func.count()).select_from(_entries(term).limit(CAP + 1).subquery()).scalar_subquery()
            for term in search.terms
        ]
        if not (whole or counts):
            return cls((), (), is_narrow=True)
        row = (await tx.execute(select(*whole, *counts))).one()
        ids, numbers = row[: len(whole)], row[len(whole) :]
        ranked = sorted(zip(numbers, search.terms, strict=True))
        return cls(
            ids=tuple(sorted({user_id for user_id in ids if user_id is not None})),
            terms=tuple(term for _, term in ranked),
            is_narrow=not ranked or ranked[0][0] <= CAP,
        )

    def matches(self, *, most: int | None = None) -> FromClause:
        """Return the ids of the accounts that are found, each once, by the entries of the rarest term.

        Of these, at most so many are looked at.
        """
        parts: list[Select[Any]] = []
        if self.terms:
            rarest, *others = self.terms
            entries = _entries(rarest)
            read = (entries if most is None else entries.limit(most)).subquery()
            # An account can have several words that begin so.
            parts.append(select(read.c.id).where(*(_has(term, read.c.id) for term in others)).distinct())
        if self.ids:
            parts.append(select(User.id.label("id")).where(User.id.in_(self.ids)))
        if not parts:
            return select(literal(0).label("id")).where(false()).subquery("matches")
        return union(*parts).subquery("matches")

    def fits(self) -> ColumnElement[bool]:
        """Return the condition that an account is found, for accounts that are looked at one by one."""
        has_all = and_(true(), *(_has(term, User.id) for term in self.terms)) if self.terms else false()
        return or_(User.id.in_(self.ids), has_all) if self.ids else has_all


def _entries(term: str) -> Select[Any]:
    """Return the ids of the words that begin so: a range, and not LIKE, for which SQLite uses no index."""
    return select(SearchWord.user_id.label("id")).where(*_begins(term))


def _begins(term: str) -> tuple[ColumnElement[bool], ...]:
    return SearchWord.word >= term, SearchWord.word < term + AFTER_ALL


def _has(term: str, user_id: ColumnElement[int] | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    # As a number: MariaDB turns EXISTS and IN round and begins with everybody who has the word.
    query = select(func.count()).select_from(SearchWord).where(SearchWord.user_id == user_id, *_begins(term))
    return query.correlate_except(SearchWord).scalar_subquery() > 0
