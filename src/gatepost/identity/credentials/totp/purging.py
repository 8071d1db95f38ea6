"""The end of what was begun and not confirmed."""

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.db.purging import delete_batch
from gatepost.identity.credentials.totp.method import ENROLMENT_LIFE
from gatepost.identity.factors.models import TotpSecret


class TotpPurge:
    """Removes secrets that no right code has come of in time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Remove a batch and return how many went."""
        before = self._clock.now() - ENROLMENT_LIFE
        return await delete_batch(
            self._db, TotpSecret.user_id, TotpSecret.confirmed_at.is_(None), TotpSecret.created_at <= before
        )
