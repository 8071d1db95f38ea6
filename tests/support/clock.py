"""A clock that tests own."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still at a whole second of today until it is told to move."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        """Return the moment that the test has chosen."""
        return self._now

    def advance(self, **parts: float) -> None:
        """Move on, by the arguments of a `timedelta`."""
        self._now += timedelta(**parts)
