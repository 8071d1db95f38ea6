"""Deletes old sessions."""

from datetime import timedelta

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.db.purging import delete_batch
from gatepost.identity.sessions.models import Session

# The history of devices, with which a sign-in from a new device is detected.
HISTORY = timedelta(days=30)


class SessionPurge:
    """Deletes sessions that ended a month ago and whose access tokens have expired."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Delete a batch and return how many."""
        now = self._clock.now()
        no_tokens = Session.access_expires_at <= now
        # Two queries, each with its own index. A session that has reached its maximum age can no longer be refreshed,
        # and so also reaches the end of its idle time.
        ended = await delete_batch(self._db, Session.id, Session.ended_at <= now - HISTORY, no_tokens)
        return ended or await delete_batch(self._db, Session.id, Session.idle_expires_at <= now - HISTORY, no_tokens)
