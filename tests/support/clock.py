"""A clock that tests own."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still at a whole second of today until it is told to move."""

    def __init__(self, *, wrong_by: timedelta = timedelta()) -> None:
        self._now = datetime.now(UTC).replace(microsecond=0) + wrong_by
        self._elapsed = timedelta()

    def now(self) -> datetime:
        """Return the moment that the test has chosen."""
        return self._now

    def advance(self, **parts: float) -> None:
        """Move on, by the arguments of a `timedelta`."""
        self._now += timedelta(**parts)
        self._elapsed += timedelta(**parts)

    def elapsed(self) -> timedelta:
        """Return by how much it was moved on."""
        return self._elapsed

    def correct(self, by: timedelta) -> None:
        """Set it right, as NTP does: no time passes."""
        self._now += by
