"""The clock of the machine."""

from datetime import UTC, datetime, timedelta

from gatepost.core.clock import SystemClock


def test_now_is_the_moment_in_utc() -> None:
    before = datetime.now(UTC)

    now = SystemClock().now()

    assert now.utcoffset() == timedelta(0)
    assert before <= now <= datetime.now(UTC)
