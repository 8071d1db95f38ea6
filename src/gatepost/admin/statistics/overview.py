"""The statistics of the last days."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gatepost.admin.statistics.counter import Gauge
from gatepost.admin.statistics.models import DailyStatistic
from gatepost.admin.statistics.repository import DailyStatistics
from gatepost.audit.log import AuditEvent
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database

REFUSALS = (
    AuditEvent.SIGN_IN_FAILED,
    AuditEvent.REFRESH_TOKEN_REJECTED,
    AuditEvent.REFRESH_TOKEN_REUSED,
)
NAMES = (AuditEvent.ACCOUNT_CREATED, AuditEvent.SIGNED_IN, *REFUSALS, *Gauge)


@dataclass(frozen=True, slots=True)
class Refused:
    """How often something was refused for one reason; empty if there is only one reason."""

    event: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC; the totals are from the last count of the day, None if there was none."""

    day: date
    sign_ups: int
    sign_ins: int
    refused: Sequence[Refused]
    active_sessions: int | None
    people: int | None
    with_second_factor: int | None


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """The totals of the last count."""

    measured_at: datetime
    people: int
    disabled: int
    unverified: int
    with_second_factor: int
    sessions: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The last days, ending with today; no totals before the first count."""

    totals: AccountTotals | None
    days: Sequence[Day]


class OverviewReader:
    """Reads the statistics. The cost depends only on the number of days."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def overview(self, *, days: int) -> Overview:
        """Return the last days, including today."""
        today = self._clock.now().astimezone(UTC).date()
        first = today - timedelta(days=days - 1)
        async with self._db.read() as tx:
            found = await DailyStatistics(tx).since(first, NAMES)
        by_day: defaultdict[date, list[DailyStatistic]] = defaultdict(list)
        for statistic in found:
            by_day[statistic.day].append(statistic)
        return Overview(
            totals=_totals(found),
            days=[_day(day, by_day[day]) for day in (first + timedelta(days=number) for number in range(days))],
        )


def _day(day: date, statistics: Sequence[DailyStatistic]) -> Day:
    plain = {statistic.name: statistic.value for statistic in statistics if not statistic.detail}
    return Day(
        day=day,
        sign_ups=plain.get(AuditEvent.ACCOUNT_CREATED, 0),
        sign_ins=plain.get(AuditEvent.SIGNED_IN, 0),
        refused=[
            Refused(statistic.name, statistic.detail, statistic.value)
            for statistic in statistics
            if statistic.name in REFUSALS
        ],
        active_sessions=plain.get(Gauge.SESSIONS),
        people=plain.get(Gauge.PEOPLE),
        with_second_factor=plain.get(Gauge.SECOND_FACTOR),
    )


def _totals(statistics: Sequence[DailyStatistic]) -> AccountTotals | None:
    # Ordered by day, so that the newest of each name comes last.
    newest = {statistic.name: statistic for statistic in statistics if statistic.name in frozenset(Gauge)}
    if len(newest) < len(Gauge):
        return None
    return AccountTotals(
        measured_at=newest[Gauge.PEOPLE].counted_at,
        people=newest[Gauge.PEOPLE].value,
        disabled=newest[Gauge.DISABLED].value,
        unverified=newest[Gauge.UNVERIFIED].value,
        with_second_factor=newest[Gauge.SECOND_FACTOR].value,
        sessions=newest[Gauge.SESSIONS].value,
    )
