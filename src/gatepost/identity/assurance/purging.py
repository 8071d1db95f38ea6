"""Removing pending sign-ins and trusted devices after their time."""

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.db.purging import delete_batch
from gatepost.identity.assurance.models import PendingSignIn, TrustedDevice


class PendingSignInPurge:
    """Removes pending sign-ins after their time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Remove a batch and return how many went."""
        return await delete_batch(self._db, PendingSignIn.id, PendingSignIn.expires_at <= self._clock.now())


class TrustedDevicePurge:
    """Removes trusted devices after their time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Remove a batch and return how many went."""
        return await delete_batch(self._db, TrustedDevice.id, TrustedDevice.expires_at <= self._clock.now())
