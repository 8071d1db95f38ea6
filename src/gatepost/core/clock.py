"""The time as a service, so that tests can control it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# The clocks of two replicas may differ by this much without a missed revocation: one 5 minutes fast, one 5 slow.
CLOCKS_APART = timedelta(minutes=10)


class Clock(Protocol):
    """Where the service reads the time."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...

    def elapsed(self) -> timedelta:
        """Return the time since a fixed moment of this process; corrections of the clock do not affect it."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> timedelta:
        """Return the time since a fixed moment of this process; corrections of the clock do not affect it."""
        return timedelta(seconds=time.monotonic())


def text_of(moment: datetime | None) -> str | None:
    """Return a moment as it is written in exports (ISO 8601)."""
    return None if moment is None else moment.isoformat()


def utc(moment: datetime) -> datetime:
    """Convert a moment from outside to UTC.

    Raises:
        ValueError: it has no time zone, or is outside the years 1 to 9999 in UTC.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a moment outside the calendar") from error
