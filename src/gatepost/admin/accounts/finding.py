"""Searches accounts in the database: by a complete name, address or id, and by words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from gatepost.admin.accounts.search import Search
from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import SearchWord, User

# Sorts after every character that words contain, and no word contains it.
AFTER_ALL = "\U0010ffff"
# Up to this many entries of a term are read, joined and sorted; with more, the list is read in its order instead.
CAP = 10_000
# The same limit after reading in the order of the list has not found enough.
FAR = 200_000
# A prefix with so few words is read word by word, and the accounts of each word ordered by id.
FEW_WORDS = 16


@dataclass(frozen=True, slots=True)
class Found:
    """The accounts that a search names completely, and its terms, the rarest first.

    `is_narrow` means that the rarest term has at most `CAP` entries.
    """

    ids: tuple[int, ...]
    terms: tuple[str, ...]
    is_narrow: bool

    @classmethod
    async def look_up(cls, tx: Transaction, search: Search) -> Self:
        """Find the accounts that a search names completely, and count the entries of each term up to `CAP`."""
        whole = [
            select(User.id).where(column == value).scalar_subquery()
            for column, value in (
                (User.username_canonical, search.username),
                (User.email_canonical, search.email),
                (User.id, search.user_id),
            )
            if value is not None
        ]
        counts = _counts(search.terms, most=CAP)
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

    async def look_further(self, tx: Transaction) -> tuple[Self, bool]:
        """Count up to `FAR`; return the terms in that order, and whether the rarest has too many entries to read."""
        row = (await tx.execute(select(*_counts(self.terms, most=FAR)))).one()
        ranked = sorted(zip(row, self.terms, strict=True))
        return replace(self, terms=tuple(term for _, term in ranked)), ranked[0][0] > FAR

    async def words(self, tx: Transaction) -> Sequence[str]:
        """Return the words with the only term as prefix; none if there are more than `FEW_WORDS`."""
        found: list[str] = []
        end = self.terms[0] + AFTER_ALL
        # One index lookup per word. In one statement that takes the previous word from a row, MariaDB would read the
        # whole range.
        query = select(func.min(SearchWord.word)).where(SearchWord.word < end)
        word = await tx.scalar(query.where(SearchWord.word >= self.terms[0]))
        while word is not None and len(found) < FEW_WORDS:
            found.append(word)
            word = await tx.scalar(query.where(SearchWord.word > word))
        return found if word is None else ()

    def by_id(self, words: Sequence[str], *, is_down: bool, after: int | None, most: int) -> FromClause:
        """Return the first ids of the accounts that have one of these words, or are named completely."""
        parts: list[Select[Any]] = []
        sources = [(SearchWord.user_id, SearchWord.word == word) for word in words]
        for column, condition in [*sources, (User.id, User.id.in_(self.ids))]:
            part = select(column.label("id")).where(condition)
            if after is not None:
                part = part.where(column < after if is_down else column > after)
            part = part.order_by(column.desc() if is_down else column).limit(most)
            parts.append(select(part.subquery().c.id))
        return union_all(*parts).subquery("matches")

    def matches(self, *, most: int | None = None) -> FromClause:
        """Return the distinct ids of matching accounts, by the entries of the rarest term.

        At most `most` of these entries are read.
        """
        parts: list[Select[Any]] = []
        if self.terms:
            rarest, *others = self.terms
            entries = _entries(rarest)
            read = (entries if most is None else entries.order_by(*IN_ORDER).limit(most)).subquery()
            # An account can have several words with the same prefix.
            parts.append(select(read.c.id).where(*(_has(term, read.c.id) for term in others)).distinct())
        if self.ids:
            parts.append(select(User.id.label("id")).where(User.id.in_(self.ids)))
        if not parts:
            return select(literal(0).label("id")).where(false()).subquery("matches")
        return union(*parts).subquery("matches")

    def fits(self) -> ColumnElement[bool]:
        """Return the condition for a matching account, for queries that check accounts one by one."""
        has_all = and_(true(), *(_has(term, User.id) for term in self.terms)) if self.terms else false()
        return or_(User.id.in_(self.ids), has_all) if self.ids else has_all


# So that every database reads the same entries.
IN_ORDER = (SearchWord.word, SearchWord.user_id)


def _counts(terms: Sequence[str], *, most: int) -> list[ScalarSelect[int]]:
    entries = [_entries(term).limit(most + 1).subquery() for term in terms]
    return [select(func.count()).select_from(some).scalar_subquery() for some in entries]


def _entries(term: str) -> Select[Any]:
    """Return the account ids of the words with a prefix: as a range, because SQLite uses no index for LIKE."""
    return select(SearchWord.user_id.label("id")).where(*_begins(term))


def _begins(term: str) -> tuple[ColumnElement[bool], ...]:
    return SearchWord.word >= term, SearchWord.word < term + AFTER_ALL


def _has(term: str, user_id: ColumnElement[int] | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    # As a count, because MariaDB would rewrite EXISTS and IN, and start with everybody who has the word.
    query = select(func.count()).select_from(SearchWord).where(SearchWord.user_id == user_id, *_begins(term))
    return query.correlate_except(SearchWord).scalar_subquery() > 0
