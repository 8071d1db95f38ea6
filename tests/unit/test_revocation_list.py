"""What a process knows of the revocation feed, and since when."""

from datetime import UTC, datetime, timedelta

from gatepost.identity.tokens.revocation_list import RevocationList

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_slow_reading_that_began_before_another_takes_nothing_back() -> None:
    known = RevocationList(max_staleness=timedelta(seconds=30))
    later = BEGAN + timedelta(minutes=1)
    known.mark_read(at=later, elapsed=timedelta(minutes=1))
    known.mark_read(at=BEGAN, elapsed=timedelta())

    assert known.age_seconds(now=later) == 0
    assert not known.is_stale(now=later + timedelta(seconds=30))
    assert known.is_stale(now=later + timedelta(seconds=31))


def test_clock_that_is_set_back_is_followed() -> None:
    known = RevocationList(max_staleness=timedelta(seconds=30))
    known.mark_read(at=BEGAN, elapsed=timedelta())
    known.mark_read(at=BEGAN - timedelta(hours=1), elapsed=timedelta(seconds=1))

    assert known.age_seconds(now=BEGAN - timedelta(hours=1)) == 0
