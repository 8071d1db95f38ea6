"""Deletes expired counters."""

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.db.purging import delete_batch
from gatepost.identity.throttling.models import GuessCounter


class GuessPurge:
    """Deletes counters whose guesses are forgotten."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Delete a batch and return how many."""
        now = self._clock.now()
        return await delete_batch(
            self._db, GuessCounter.subject, GuessCounter.expires_at <= now, GuessCounter.blocked_until <= now
        )
