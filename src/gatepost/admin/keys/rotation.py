"""The life cycle of a signing key: next, active, retiring, deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.identity.keys.errors import SigningKeyError
from gatepost.identity.keys.models import StoredKey
from gatepost.identity.keys.repository import StoredKeys
from gatepost.identity.keys.ring import SLACK, KeyRing, active_slot, known_at, move_on, next_slot
from gatepost.identity.sessions.repository import Sessions


class KeyState(StrEnum):
    """The state of a signing key."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A key without its private part; `live_sessions` is the number of sessions with an access token that it signed."""

    kid: str
    algorithm: str
    state: KeyState
    created_at: datetime
    live_sessions: int


class KeyRotation:
    """Lets operators manage the keys. Every worker notices within seconds."""

    def __init__(self, database: Database, clock: Clock, ring: KeyRing, *, access_token_life: timedelta) -> None:
        self._db = database
        self._clock = clock
        self._ring = ring
        self._access_token_life = access_token_life

    async def list(self) -> Sequence[KeyStatus]:
        """Return every key, the oldest first."""
        now = self._clock.now()
        async with self._db.read() as tx:
            keys = StoredKeys(tx)
            return [
                KeyStatus(
                    key.kid,
                    key.algorithm,
                    state_of(key),
                    key.created_at,
                    await Sessions(tx).signed_by(key.kid, now=now),
                )
                for key in await keys.all()
            ]

    @retry_conflicts
    async def rotate(self, *, force: bool = False) -> str:
        """Sign with the next key from now on, create a new next key, and return the name of the new active key.

        Raises:
            SigningKeyError: verifiers may not know the next key yet, and `force` is not given; or HS256 is in use.
        """
        if not self._ring.is_stored:
            raise SigningKeyError("HS256 signs with JWT_SECRET; to rotate it, change that setting")
        now = self._clock.now()
        slots = active_slot(self._ring.algorithm), next_slot(self._ring.algorithm)
        made = await self._ring.new_key(slots[1], now=now)
        async with self._db.begin() as tx:
            keys = StoredKeys(tx)
            active, coming = [await keys.in_slot(slot) for slot in slots]
            if coming is None:
                raise SigningKeyError("there are no keys yet; start the service once")
            if known_at(coming) > now and not force:
                raise SigningKeyError(
                    f"the next key was made at {coming.created_at:%H:%M:%S} UTC, and verifiers that keep the list of "
                    f"keys may not know it before {known_at(coming):%H:%M:%S}; wait, or use --force"
                )
            self._ring.open(coming)  # a key that cannot sign is detected now, not at the next sign-in
            # After a change of JWT_ALGORITHM, the active key of the old algorithm stays in place.
            before = self._ring.signing.kid
            if active is not None:
                before, active.slot, active.retiring_at = active.kid, None, now
                await tx.flush()
            await move_on(tx, before=before, coming=coming, made=made, now=now)
        return coming.kid

    @retry_conflicts
    async def retire(self, kid: str, *, force: bool = False) -> None:
        """Delete a key. Tokens that it signed are refused from then on.

        Raises:
            SigningKeyError: the key does not exist, it signs or will sign, or its tokens may be valid and `force` is
            not given.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            keys = StoredKeys(tx)
            key = await keys.get(kid)
            if key is None:
                raise SigningKeyError(f"there is no key {kid}; see gatepost keys list")
            own = active_slot(self._ring.algorithm), next_slot(self._ring.algorithm)
            is_other = key.slot == active_slot(key.algorithm) and not await keys.has_slot(own[0])
            if key.slot in own or is_other:
                raise SigningKeyError("this key signs, or will sign next; run gatepost keys rotate first")
            live = await Sessions(tx).signed_by(kid, now=now)
            last = (key.retiring_at or now) + self._access_token_life + SLACK
            if (live or last > now) and not force:
                raise SigningKeyError(
                    f"{live} sessions have an access token that this key signed, and its tokens may be valid until "
                    f"{last:%Y-%m-%d %H:%M} UTC; wait, or use --force to refuse them from now on"
                )
            await keys.delete(key)
            details = {"kid": kid, "algorithm": key.algorithm, "live_sessions": live}
            record(tx, AuditEvent.KEY_RETIRED, at=now, details=details)

    async def replace_all(self) -> bool:
        """Delete all keys and sign with a new one, so that no earlier token is valid. Returns False with a shared
        secret.

        Verifiers that do not reload the keys for an unknown key refuse new tokens until they read the list again.
        """
        if not self._ring.is_stored:
            return False
        slots = active_slot(self._ring.algorithm), next_slot(self._ring.algorithm)
        await self._replace_all([await self._ring.new_key(slot, now=self._clock.now()) for slot in slots])
        return True

    @retry_conflicts
    async def _replace_all(self, made: Sequence[StoredKey]) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            keys = StoredKeys(tx)
            for key in await keys.all():
                await keys.delete(key)
                details = {"kid": key.kid, "algorithm": key.algorithm, "live_sessions": 0}
                record(tx, AuditEvent.KEY_RETIRED, at=now, details=details)
            for key in made:
                await keys.add(key)
                record(tx, AuditEvent.KEY_CREATED, at=now, details={"kid": key.kid})


def state_of(key: StoredKey) -> KeyState:
    """Return the state of an existing key."""
    match key.slot:
        case None:
            return KeyState.RETIRING
        case slot if slot == next_slot(key.algorithm):
            return KeyState.NEXT
        case _:
            return KeyState.ACTIVE
