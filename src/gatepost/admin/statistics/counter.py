"""Counts statistics in the background: events per day, from the audit log, and current totals."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from sqlalchemy.exc import IntegrityError

from gatepost.admin.statistics.repository import DailyStatistics, EventCount, Sources
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.db.leases import Leases

LEASE = "statistics"
# Longer than one batch or one count takes.
LEASE_LIFE = timedelta(seconds=15)
# A seal holds up to 500 entries.
SEALS = 20
# Between two batches of a long log, so that other transactions are not delayed.
PAUSE_SECONDS = 0.02
PARTS = 8
MEASURE_EVERY = timedelta(seconds=60)
# The progress of counting is stored as a statistic too, without a real day.
PROGRESS_DAY = date(1970, 1, 1)
PROGRESS = "seals.counted"


class Gauge(StrEnum):
    """A current total; the last count of a day is its statistic."""

    PEOPLE = "people"
    DISABLED = "people.disabled"
    UNVERIFIED = "people.unverified"
    SECOND_FACTOR = "people.second_factor"
    SESSIONS = "sessions"


class StatisticsCounter:
    """Updates the statistics, so that nobody has to wait for a count.

    Every entry of the audit log is in one seal, and seals are created one after the other. So each seal is counted
    once, in the transaction that stores the progress, and entries that are committed late are not missed. The lease
    only keeps replicas from doing the same work.
    """

    def __init__(self, database: Database, clock: Clock, leases: Leases) -> None:
        self._db = database
        self._clock = clock
        self._leases = leases

    async def run_once(self) -> None:
        """Count newly sealed entries, and once a minute the totals. One replica does it at a time."""
        while (batch := await self._next_batch()) is not None:
            if not await self._leases.take(LEASE, life=LEASE_LIFE) or not await self._count_if_first(*batch):
                return
            await asyncio.sleep(PAUSE_SECONDS)
        if await self._is_measured_long_ago() and await self._leases.take(LEASE, life=LEASE_LIFE):
            await self.measure()

    async def measure(self) -> None:
        """Count the totals."""
        now = self._clock.now()
        values = {Gauge.SESSIONS: await self._sessions(now)}
        # One transaction per count, so that each has its own timeout.
        async with self._db.read() as tx:
            values[Gauge.PEOPLE] = await Sources(tx).people()
        async with self._db.read() as tx:
            values[Gauge.UNVERIFIED] = await Sources(tx).unverified()
        async with self._db.read() as tx:
            values[Gauge.DISABLED] = await Sources(tx).disabled()
        async with self._db.read() as tx:
            values[Gauge.SECOND_FACTOR] = await Sources(tx).with_second_factor()
        await self._keep(values, at=now)

    async def _sessions(self, now: datetime) -> int:
        """Count the active sessions in parts, so that a million sessions do not time out a transaction."""
        async with self._db.read() as tx:
            last = await Sources(tx).last_idle_end()
        if last is None or last <= now:
            return 0
        count, part = 0, (last - now) / PARTS
        for number in range(PARTS):
            after, to = now + number * part, now + (number + 1) * part
            async with self._db.read() as tx:
                count += await Sources(tx).sessions(now=now, after=after, to=last if number == PARTS - 1 else to)
        return count

    async def _next_batch(self) -> tuple[int, int, Sequence[EventCount]] | None:
        async with self._db.read() as tx:
            progress = await DailyStatistics(tx).get(PROGRESS_DAY, PROGRESS)
            done = 0 if progress is None else progress.value
            to = await Sources(tx).seal_after(done, count=SEALS)
            if to is None:
                return None
            return done, to, await Sources(tx).counts(above=done, to=to)

    async def _count_if_first(self, done: int, to: int, counts: Sequence[EventCount]) -> bool:
        try:
            return await self._count(done, to, counts)
        except IntegrityError:
            return False  # another replica was first

    @retry_conflicts
    async def _count(self, done: int, to: int, counts: Sequence[EventCount]) -> bool:
        now = self._clock.now()
        async with self._db.begin() as tx:
            statistics = DailyStatistics(tx)
            if not await statistics.advance(PROGRESS_DAY, PROGRESS, expected=done, to=to, at=now):
                return False
            for count in counts:
                await statistics.add(count, at=now)
        return True

    async def _is_measured_long_ago(self) -> bool:
        now = self._clock.now()
        since = _day(now - MEASURE_EVERY)
        async with self._db.read() as tx:
            last = await DailyStatistics(tx).last_counted_at(since, Gauge.PEOPLE)
        return last is None or now - last >= MEASURE_EVERY

    @retry_conflicts
    async def _keep(self, values: dict[Gauge, int], *, at: datetime) -> None:
        async with self._db.begin() as tx:
            for gauge, value in values.items():
                await DailyStatistics(tx).put(_day(at), gauge, value, at=at)


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
