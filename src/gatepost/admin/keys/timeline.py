"""The history of every signing key, from creation to deletion. Private keys are not used here."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepost.admin.keys.rotation import KeyState, state_of
from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.audit.repository import Entries
from gatepost.core.db.database import Database, Transaction
from gatepost.identity.keys.models import StoredKey
from gatepost.identity.keys.repository import StoredKeys
from gatepost.identity.keys.ring import SLACK, KeyRing, known_at

# Deleted keys are listed as far back as these events go: some dozens of rotations.
EVENTS = 200


@dataclass(frozen=True, slots=True)
class KeyLife:
    """The times of one key: created and published, known to all verifiers, signing, retiring, last token expired,
    retired.

    A time is None if it has not come, or if the audit log no longer has it.
    """

    kid: str
    algorithm: str | None
    state: KeyState
    created_at: datetime | None
    known_at: datetime | None
    activated_at: datetime | None
    retiring_at: datetime | None
    last_token_ends_at: datetime | None
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyLives:
    """All keys, the newest first. With a shared secret there are none."""

    algorithm: str
    is_stored: bool
    keys: Sequence[KeyLife]


class KeyHistory:
    """Reads the history of existing and deleted keys."""

    def __init__(self, database: Database, ring: KeyRing, *, access_token_life: timedelta) -> None:
        self._db = database
        self._ring = ring
        self._access_token_life = access_token_life

    async def read(self) -> KeyLives:
        """Return the history of all keys."""
        async with self._db.read() as tx:
            stored = await StoredKeys(tx).all()
            events = await _events(tx)
        known = {key.kid for key in stored}
        keys = [self._of(key) for key in reversed(stored)] + [key for key in _gone(events) if key.kid not in known]
        return KeyLives(self._ring.algorithm, self._ring.is_stored, keys)

    def _of(self, key: StoredKey) -> KeyLife:
        return KeyLife(
            kid=key.kid,
            algorithm=key.algorithm,
            state=state_of(key),
            created_at=key.created_at,
            known_at=known_at(key),
            activated_at=key.activated_at,
            retiring_at=key.retiring_at,
            last_token_ends_at=None if key.retiring_at is None else key.retiring_at + self._access_token_life + SLACK,
            retired_at=None,
        )


async def _events(tx: Transaction) -> Sequence[AuditEntry]:
    wanted = [event.value for event in (AuditEvent.KEY_CREATED, AuditEvent.KEY_ROTATED, AuditEvent.KEY_RETIRED)]
    return await Entries(tx).page([AuditEntry.event.in_(wanted)], after=None, size=EVENTS)


def _gone(events: Sequence[AuditEntry]) -> list[KeyLife]:
    """Return the keys whose deletion is among these events, the latest first."""
    moments: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    for event in events:
        for part, kid in _parts(event):
            moments[kid].setdefault(part, event.at)
    return [
        _life(str(event.details.get("kid")), event, moments[str(event.details.get("kid"))])
        for event in events
        if event.event == AuditEvent.KEY_RETIRED
    ]


def _parts(event: AuditEntry) -> list[tuple[str, str]]:
    match event.event:
        case AuditEvent.KEY_CREATED:
            return [("created", str(event.details.get("kid")))]
        case AuditEvent.KEY_ROTATED:
            return [("retiring", str(event.details.get("from"))), ("activated", str(event.details.get("to")))]
        case _:
            return []


def _life(kid: str, end: AuditEntry, moments: Mapping[str, datetime]) -> KeyLife:
    return KeyLife(
        kid=kid,
        algorithm=end.details.get("algorithm"),
        state=KeyState.RETIRED,
        created_at=moments.get("created"),
        known_at=None,
        activated_at=moments.get("activated"),
        retiring_at=moments.get("retiring"),
        last_token_ends_at=None,
        retired_at=end.at,
    )
