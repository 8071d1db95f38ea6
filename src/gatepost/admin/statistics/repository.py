"""The queries of statistics, and of the data that they are counted from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import String, case, func, select, union, update

from gatepost.admin.statistics.models import DailyStatistic
from gatepost.audit.former_names import current_name
from gatepost.audit.models import AuditEntry, AuditSeal
from gatepost.audit.repository import Seals
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.enrolment import OWNERS, SECOND_FACTORS
from gatepost.identity.sessions.models import Session

LONGEST_DETAIL = 64


@dataclass(frozen=True, slots=True)
class EventCount:
    """How often something happened on a day."""

    day: date
    event: str
    reason: str
    count: int


class DailyStatistics:
    """The stored statistics, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, day: date, name: str) -> DailyStatistic | None:
        """Return a statistic without details."""
        return await self._tx.get(DailyStatistic, (day, name, ""))

    async def since(self, day: date, names: Collection[str]) -> Sequence[DailyStatistic]:
        """Return the statistics with these names from a day on, ordered by day."""
        query = select(DailyStatistic).where(DailyStatistic.day >= day, DailyStatistic.name.in_(names))
        return (
            await self._tx.scalars(query.order_by(DailyStatistic.day, DailyStatistic.name, DailyStatistic.detail))
        ).all()

    async def last_counted_at(self, since: date, name: str) -> datetime | None:
        """Return when a statistic was last counted, since a day."""
        query = select(func.max(DailyStatistic.counted_at)).where(
            DailyStatistic.day >= since, DailyStatistic.name == name
        )
        return await self._tx.scalar(query)

    async def add(self, count: EventCount, *, at: datetime) -> None:
        """Add to a statistic."""
        grown = await self._update(count.day, count.event, count.reason, DailyStatistic.value + count.count, at=at)
        if not grown:
            self._insert(count.day, count.event, count.reason, count.count, at=at)
        await self._tx.flush()

    async def put(self, day: date, name: str, value: int, *, at: datetime) -> None:
        """Replace a statistic.

        Raises:
            IntegrityError: another replica has just created it.
        """
        if not await self._update(day, name, "", value, at=at):
            self._insert(day, name, "", value, at=at)
        await self._tx.flush()

    async def advance(self, day: date, name: str, *, expected: int, to: int, at: datetime) -> bool:
        """Update a statistic if it has the expected value; of several concurrent calls, one succeeds.

        Raises:
            IntegrityError: it did not exist, and another replica created it first.
        """
        if expected == 0 and await self.get(day, name) is None:
            self._insert(day, name, "", to, at=at)
            await self._tx.flush()
            return True
        return await self._update(day, name, "", to, at=at, expected=expected)

    async def _update(
        self, day: date, name: str, detail: str, value: Any, *, at: datetime, expected: int | None = None
    ) -> bool:
        statement = update(DailyStatistic).where(
            DailyStatistic.day == day, DailyStatistic.name == name, DailyStatistic.detail == detail
        )
        if expected is not None:
            statement = statement.where(DailyStatistic.value == expected)
        statement = statement.values(value=value, counted_at=at).execution_options(synchronize_session=False)
        return await rows_changed(self._tx, statement) == 1

    def _insert(self, day: date, name: str, detail: str, value: int, *, at: datetime) -> None:
        self._tx.add(DailyStatistic(day=day, name=name, detail=detail, value=value, counted_at=at))


class Sources:
    """The data that statistics are counted from, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def seal_after(self, seal_id: int, *, count: int) -> int | None:
        """Return the id of the last of the next `count` seals of the audit log; None if there are none."""
        # Not simply `seal_id + count`: somebody may have inserted a seal with a very large id.
        head = await Seals(self._tx).head()
        following = select(AuditSeal.id).where(AuditSeal.id > seal_id, AuditSeal.id <= (head["id"] if head else 0))
        return max((await self._tx.scalars(following.order_by(AuditSeal.id).limit(count))).all(), default=None)

    async def counts(self, *, above: int, to: int) -> Sequence[EventCount]:
        """Count the entries of the seals after `above` up to `to`, by day, event and reason."""
        # Rows that were written by hand must not stop the counting.
        reason = case(
            (func.json_valid(AuditEntry.details) == 1, AuditEntry.details["reason"].as_string()), else_=""
        ).label("reason")
        day = func.date(AuditEntry.at, type_=String).label("day")
        query = (
            select(day, AuditEntry.event, reason, func.count())
            .where(AuditEntry.seal_id > above, AuditEntry.seal_id <= to)
            .group_by(day, AuditEntry.event, reason)
        )
        rows = (await self._tx.execute(query)).all()
        return [
            EventCount(date.fromisoformat(str(day)), current_name(event), (reason or "")[:LONGEST_DETAIL], count)
            for day, event, reason, count in rows
            if day is not None
        ]

    async def people(self) -> int:
        """Count the accounts."""
        return await self._count(select(func.count()).select_from(User))

    async def disabled(self) -> int:
        """Count the accounts that are disabled."""
        return await self._count(select(func.count()).select_from(User).where(User.disabled_at.is_not(None)))

    async def unverified(self) -> int:
        """Count the accounts whose address is not verified."""
        return await self._count(select(func.count()).select_from(User).where(User.email_verified_at.is_(None)))

    async def with_second_factor(self) -> int:
        """Count the accounts that have a second factor."""
        owners = union(*(select(owner).where(counts) for owner, counts in map(OWNERS.__getitem__, SECOND_FACTORS)))
        return await self._count(select(func.count()).select_from(owners.subquery()))

    async def last_idle_end(self) -> datetime | None:
        """Return when the last session expires unless it is refreshed."""
        return await self._tx.scalar(select(func.max(Session.idle_expires_at)))

    async def sessions(self, *, now: datetime, after: datetime, to: datetime) -> int:
        """Count the active sessions whose idle time ends in this range, using only an index."""
        query = select(func.count()).where(
            Session.idle_expires_at > after,
            Session.idle_expires_at <= to,
            Session.absolute_expires_at > now,
            Session.ended_at.is_(None),
        )
        return await self._count(query.select_from(Session))

    async def _count(self, query: Any) -> int:
        return await self._tx.scalar(query) or 0
