"""The end of codes by mail."""

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.db.purging import delete_batch
from gatepost.identity.links.models import EmailCode


class EmailCodePurge:
    """Removes codes after their time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Remove a batch and return how many went."""
        return await delete_batch(self._db, EmailCode.id, EmailCode.expires_at <= self._clock.now())
