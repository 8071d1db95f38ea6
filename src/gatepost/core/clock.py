"""The time, as a service, so that tests own it."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the service reads the time."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)


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
