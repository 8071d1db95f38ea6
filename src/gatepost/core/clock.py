"""The time, as a service, so that tests own it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# So far may the clocks of two replicas be apart, with no revocation missed: each five minutes wrong, the other way.
CLOCKS_APART = timedelta(minutes=10)


class Clock(Protocol):
    """Where the service reads the time."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...

    def elapsed(self) -> timedelta:
        """Return the time since a moment of this process, which no correction of the clock moves."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> timedelta:
        """Return the time since a moment of this process, which no correction of the clock moves."""
        return timedelta(seconds=time.monotonic())


def utc(moment: datetime) -> datetime:
    """Return a moment that somebody sent, in UTC.

    Raises:
        ValueError: it has no zone, or lies outside the years 1 to 9999 in UTC.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a moment outside the calendar") from error
