"""The end of links in mails."""

from datetime import timedelta

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.db.purging import delete_batch
from gatepost.identity.links.models import OneTimeToken

# Whoever asks what is held about them is shown what went out lately.
HISTORY = timedelta(days=7)


class LinkPurge:
    """Removes the tokens of links, used or not, a week after their time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Remove a batch and return how many went."""
        return await delete_batch(self._db, OneTimeToken.id, OneTimeToken.expires_at <= self._clock.now() - HISTORY)
