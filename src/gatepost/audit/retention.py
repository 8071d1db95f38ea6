"""Purges old entries without breaking the hash chain."""

from collections.abc import Sequence
from datetime import timedelta

from gatepost.audit.chain import SealKey, known_keys, moment, purge_proof
from gatepost.audit.repository import Entries, Raw, Seals
from gatepost.audit.sealer import PURPOSE, link_of
from gatepost.core.clock import Clock
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import Database, retry_conflicts

# A batch has few seals with many entries, or many seals with few.
SEALS = 50
ENTRIES = 1000


class AuditRetention:
    """Deletes entries whose seal is older than the retention: all entries of a seal together.

    The seal stays, with its count and digest and a proof that the service itself purged its entries. If a seal was
    changed, its entries are kept as evidence.
    """

    def __init__(self, database: Database, clock: Clock, secrets: SecretKeys, *, days: int) -> None:
        self._db = database
        self._clock = clock
        self._keys = secrets.derive(PURPOSE)
        self._days = days

    async def run(self) -> int:
        """Delete a batch and return the number of entries; 0 if there are none, or if entries are kept for ever."""
        if self._days == 0:
            return 0
        keys = await self._known_keys()
        seals = await self._expired(after=0)
        while seals:
            if sound := [seal for seal in seals if _is_sound(seal, keys)]:
                return await self._purge(sound)
            seals = await self._expired(after=seals[-1]["id"])
        return 0

    async def _known_keys(self) -> list[SealKey]:
        async with self._db.read() as tx:
            return known_keys(self._keys, await Seals(tx).handovers())

    async def _expired(self, *, after: int) -> Sequence[Raw]:
        before = self._clock.now() - timedelta(days=self._days)
        async with self._db.read() as tx:
            return await Seals(tx).expired(before=before, after=after, limit=SEALS)

    @retry_conflicts
    async def _purge(self, seals: Sequence[Raw]) -> int:
        now = self._clock.now()
        chosen: list[int] = []
        entries = 0
        async with self._db.begin() as tx:
            for seal in seals:
                if chosen and entries + seal["entries"] > ENTRIES:
                    break
                proof = purge_proof(self._keys[0], digest=seal["digest"], purged_at=moment(now))
                if await Seals(tx).mark_purged(seal["id"], at=now, proof=proof):
                    chosen.append(seal["id"])
                    entries += seal["entries"]
            if chosen:
                await Entries(tx).delete_of(chosen)
        return entries


def _is_sound(seal: Raw, keys: Sequence[SealKey]) -> bool:
    link = link_of(seal)
    return any(key.may_seal(link.id) and link.digest(key.key) == seal["digest"] for key in keys)
