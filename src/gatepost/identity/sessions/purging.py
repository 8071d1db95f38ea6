"""The end of ended sessions."""

from datetime import timedelta

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.db.purging import delete_batch
from gatepost.identity.sessions.models import Session

# The device history, by which a sign-in from a new device is noticed.
HISTORY = timedelta(days=30)


class SessionPurge:
    """Removes sessions that have been over for a month and whose access tokens have expired."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Remove a batch and return how many went."""
        now = self._clock.now()
        no_tokens = Session.access_expires_at <= now
        # Two searches, each with an index of its own. A session past its longest life is not refreshed any more, and
        # so comes to the end of its idle time.
        ended = await delete_batch(self._db, Session.id, Session.ended_at <= now - HISTORY, no_tokens)
        return ended or await delete_batch(self._db, Session.id, Session.idle_expires_at <= now - HISTORY, no_tokens)
