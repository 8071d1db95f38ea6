"""Seals the log: seconds after they were written, entries are covered by the next link of the hash chain."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.audit.chain import (
    Link,
    content_digest,
    entry_digest,
    fits,
    hand_over,
    handed_over,
    is_digest,
    moment,
    moment_of,
    purge_proof,
)
from gatepost.audit.repository import Entries, Raw, Seals
from gatepost.core.clock import CLOCKS_APART, Clock
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.db.leases import Leases

PURPOSE = "audit seal"
LEASE = "audit seal"
# Longer than a batch takes, and short enough that a crashed replica is soon replaced.
LEASE_LIFE = timedelta(seconds=5)
BATCH = 500
# One would be enough if nobody else could write into these tables.
LOOKED_AT = 50
PURGED_LOOKED_AT = 1000


class Overtaken(Exception):
    """Another replica has sealed some of the entries."""


class AuditSealer:
    """Seals entries in the background, so that no request waits for it.

    The lease only avoids wasted work. The database ensures that no entry is sealed twice and that the chain never
    forks: a seal uses the id after the last one, and takes only entries without a seal.
    """

    def __init__(self, database: Database, clock: Clock, leases: Leases, secrets: SecretKeys) -> None:
        self._db = database
        self._clock = clock
        self._leases = leases
        self._keys = secrets.derive(PURPOSE)

    async def run_once(self) -> int:
        """Seal all committed entries; return how many, 0 while another replica does it."""
        sealed = 0
        while batch := await self._unsealed():
            if not await self._leases.take(LEASE, life=LEASE_LIFE) or not await self._seal_if_first(batch):
                break
            sealed += len(batch)
            if len(batch) < BATCH:
                break
        return sealed

    async def oldest_unsealed_at(self) -> datetime | None:
        """Return the time of the oldest entry without a seal."""
        async with self._db.read() as tx:
            return await Entries(tx).oldest_unsealed_at()

    async def _unsealed(self) -> Sequence[Raw]:
        async with self._db.read() as tx:
            return await Entries(tx).unsealed(limit=BATCH)

    async def _seal_if_first(self, batch: Sequence[Raw]) -> bool:
        # The slow part runs before the transaction, because on SQLite all writers wait for it.
        content = [(row["id"], entry_digest(self._keys[0], row)) for row in batch]
        try:
            await self._seal(content)
        except (IntegrityError, Overtaken):
            return False
        return True

    @retry_conflicts
    async def _seal(self, content: Sequence[tuple[int, str]]) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            head = await Seals(tx).head()
            link = Link(
                id=1 if head is None else head["id"] + 1,
                sealed_at=moment(now),
                entries=len(content),
                # Somebody may have replaced it with a value that is not a digest; `verify` reports that.
                previous=head["digest"] if head is not None and is_digest(head["digest"]) else "",
                content=content_digest(self._keys[0], content),
                handover=None if head is None else await self._handover(tx, head),
            )
            await Seals(tx).add(_columns(link) | {
                "sealed_at": now, "digest": link.digest(self._keys[0]), "rows": [list(row) for row in content],
            })  # fmt: skip
            if await Entries(tx).seal([entry_id for entry_id, _ in content], link.id) != len(content):
                raise Overtaken

    async def _handover(self, tx: Transaction, head: Raw) -> str | None:
        """Return the encrypted key of SECRET_KEY_PREVIOUS if it has sealed or purged since its last hand-over."""
        own, previous = self._keys[0], self._keys[-1]
        if own == previous:
            return None
        seal, told = await self._told(tx)
        has_sealed = link_of(head).digest(previous) == head["digest"]
        if seal is None and not has_sealed:
            return None
        # The last hand-over contains what was purged before it.
        since = moment_of(seal["sealed_at"]) if seal is not None and told is not None else None
        purged = max(told or 0, await self._last_purged(tx, since=since))
        return hand_over(own, previous, purged=purged) if has_sealed or told != purged else None

    async def _told(self, tx: Transaction) -> tuple[Raw | None, int | None]:
        """Return the last seal that handed over the key of SECRET_KEY_PREVIOUS, and its last purged seal."""
        for seal in await Seals(tx).with_handover(limit=LOOKED_AT):
            told = handed_over(self._keys[0], seal["handover"])
            if told is not None and told[0] == self._keys[-1]:
                return seal, told[1]
        return None, None

    async def _last_purged(self, tx: Transaction, *, since: datetime | None) -> int:
        """Return the id of the newest seal whose entries the service has purged, since a time or ever; 0 if none."""
        at = None if since is None else since - CLOCKS_APART
        found = await Seals(tx).last_purged(since=at, limit=PURGED_LOOKED_AT)
        return next((seal["id"] for seal in found if any(is_purged_with(key, seal) for key in self._keys)), 0)


def link_of(seal: Raw) -> Link:
    """Return the part of a stored seal that its digest covers."""
    return Link(
        id=seal["id"],
        sealed_at=moment(seal["sealed_at"]),
        entries=seal["entries"],
        previous=seal["previous"],
        content=seal["content"],
        handover=seal["handover"],
    )


def is_purged_with(key: bytes, seal: Raw) -> bool:
    """Whether the service has purged the entries of a stored seal with this key."""
    proof = purge_proof(key, digest=str(seal["digest"]), purged_at=moment(seal["purged_at"]))
    return fits(proof, seal["purge_proof"])


def _columns(link: Link) -> dict[str, Any]:
    return {name: getattr(link, name) for name in Link.__dataclass_fields__}
