"""The key ring: the current signing key and all verifying keys, loaded from the database into memory."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto import jose, jws
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.settings import JwtAlgorithm
from gatepost.identity.keys.errors import SigningKeyError
from gatepost.identity.keys.models import StoredKey
from gatepost.identity.keys.repository import StoredKeys
from gatepost.identity.keys.vault import KeyVault

logger = logging.getLogger("gatepost")

# Verifiers may cache the JWK Set for this long, so a key is published this long before it signs.
PUBLISHED_SECONDS = 300
# Workers load a new key, or a rotation, some seconds later.
SLACK = timedelta(seconds=60)


def active_slot(algorithm: str) -> str:
    """Return the slot of the key that signs."""
    return f"{algorithm}:active"


def next_slot(algorithm: str) -> str:
    """Return the slot of the key that will sign after the next rotation."""
    return f"{algorithm}:next"


def known_at(key: StoredKey) -> datetime:
    """Return when all verifiers know a key, so that it may sign."""
    return key.created_at + timedelta(seconds=PUBLISHED_SECONDS) + SLACK


async def move_on(tx: Transaction, *, before: str | None, coming: StoredKey, made: StoredKey, now: datetime) -> None:
    """Make the next key the signing key, and `made` the next one; `before` is the id of the former signing key.

    Raises:
        IntegrityError: another worker was first.
    """
    coming.slot, coming.activated_at = active_slot(coming.algorithm), now
    await tx.flush()  # a slot holds one key at a time
    await StoredKeys(tx).add(made)
    record(tx, AuditEvent.KEY_ROTATED, at=now, details={"from": before, "to": coming.kid})
    record(tx, AuditEvent.KEY_CREATED, at=now, details={"kid": made.kid})


class KeyRing:
    """Holds the keys of a worker; `load` reads the changes of other workers and of operators.

    After a change of JWT_ALGORITHM the key of the former algorithm signs until verifiers know the first key of the new
    one. With HS256 the only key is JWT_SECRET, and the database is not used.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        vault: KeyVault,
        *,
        algorithm: JwtAlgorithm,
        secret: str | None,
    ) -> None:
        self._db = database
        self._clock = clock
        self._vault = vault
        self.algorithm = algorithm.value
        self._shared = jose.signing_key_from_secret(secret.encode()) if secret is not None else None
        self._signing = self._shared
        self._opened: dict[str, jose.SigningKey] = {}
        self._unusable: set[str] = set()
        self._verifying: Mapping[str, jws.VerifyingKey] = (
            {self._shared.kid: self._shared.verifying} if self._shared else {}
        )

    @property
    def is_stored(self) -> bool:
        """Whether the keys are in the database; a shared secret is in the settings."""
        return self._shared is None

    @property
    def signing(self) -> jose.SigningKey:
        """The key that signs now.

        Raises:
            SigningKeyError: the keys have not been loaded.
        """
        if self._signing is None:
            raise SigningKeyError("the signing keys have not been loaded")
        return self._signing

    @property
    def verifying(self) -> Mapping[str, jws.VerifyingKey]:
        """All keys whose tokens are accepted, by `kid`: next, active and retiring."""
        return self._verifying

    def jwks(self) -> dict[str, Any]:
        """Return the JWK Set (RFC 7517) with the public keys; it never contains a shared secret."""
        return {"keys": [dict(key.jwk) for key in self._verifying.values() if key.jwk is not None]}

    async def start(self) -> None:
        """Load the keys. If there are none, create the first ones; only one of several replicas does."""
        if self._shared is not None:
            return
        slots = {key.slot for key in await self._stored()}
        # The very first key signs at once, because no verifier has cached a list without it. Later ones are published
        # before they sign.
        is_first = not any(slots)
        for slot in (*([active_slot(self.algorithm)] if is_first else []), next_slot(self.algorithm)):
            if slot not in slots:
                key = await self.new_key(slot, now=self._clock.now())
                with suppress(IntegrityError):  # another replica was first
                    await self._add(key)
        await self._encrypt_again()
        await self.load()

    async def load(self) -> None:
        """Read the keys again; known keys are not decrypted again.

        Raises:
            SigningKeyError: there is no active key, or SECRET_KEY cannot decrypt it.
        """
        if self._shared is not None:
            return
        stored = await self._stored()
        if await self._took_over(stored):
            stored = await self._stored()
        opened = self._openable(stored)
        active = self._active(stored)
        signing = next((opened[key.kid] for key in active if key.kid in opened), None)
        if signing is None and active:
            signing = self.open(active[0])
        if signing is None:
            raise SigningKeyError(f"there is no active key for {self.algorithm}; restart the service to make one")
        self._opened = opened
        self._signing = signing
        self._verifying = {kid: key.verifying for kid, key in opened.items()}

    def open(self, key: StoredKey) -> jose.SigningKey:
        """Decrypt a key.

        Raises:
            SigningKeyError: SECRET_KEY cannot decrypt it, or it does not fit its algorithm.
        """
        pem = self._vault.open(key.encrypted_pem)
        try:
            return jose.signing_key_from_pem(pem, key.algorithm)
        except (jws.WeakKeyError, ValueError) as error:
            raise SigningKeyError(f"the key {key.kid} is none for {key.algorithm}") from error

    async def new_key(self, slot: str, *, now: datetime) -> StoredKey:
        """Generate a key for a slot without storing it. RSA takes seconds, so do not call this within a transaction."""
        pem = await asyncio.to_thread(jose.generate_private_pem, self.algorithm)
        return StoredKey(
            kid=jose.signing_key_from_pem(pem, self.algorithm).kid,
            algorithm=self.algorithm,
            slot=slot,
            encrypted_pem=self._vault.close(pem),
            created_at=now,
            activated_at=now if slot == active_slot(self.algorithm) else None,
            retiring_at=None,
        )

    async def _stored(self) -> Sequence[StoredKey]:
        async with self._db.read() as tx:
            return await StoredKeys(tx).all()

    def _active(self, stored: Sequence[StoredKey]) -> list[StoredKey]:
        """Return the active keys, the one for this worker's algorithm first."""
        active = [key for key in stored if key.slot == active_slot(key.algorithm)]
        return sorted(active, key=lambda key: key.algorithm != self.algorithm)

    async def _took_over(self, stored: Sequence[StoredKey]) -> bool:
        """Activate the first key of a new algorithm, if verifiers know it or there is no other active key."""
        active = self._active(stored)
        coming = next((key for key in stored if key.slot == next_slot(self.algorithm)), None)
        if coming is None or any(key.algorithm == self.algorithm for key in active):
            return False
        if active and known_at(coming) > self._clock.now():
            return False
        if coming.kid not in self._openable([coming]):
            return False
        made = await self.new_key(next_slot(self.algorithm), now=self._clock.now())
        with suppress(IntegrityError):  # another worker was first
            await self._move_on(coming.kid, before=active[0].kid if active else None, made=made)
        return True

    @retry_conflicts
    async def _move_on(self, kid: str, *, before: str | None, made: StoredKey) -> None:
        async with self._db.begin() as tx:
            coming = await StoredKeys(tx).in_slot(next_slot(self.algorithm))
            if coming is not None and coming.kid == kid:
                await move_on(tx, before=before, coming=coming, made=made, now=self._clock.now())

    @retry_conflicts
    async def _add(self, key: StoredKey) -> None:
        async with self._db.begin() as tx:
            await StoredKeys(tx).add(key)
            record(tx, AuditEvent.KEY_CREATED, at=key.created_at, details={"kid": key.kid})

    @retry_conflicts
    async def _encrypt_again(self) -> None:
        """Encrypt keys again that were encrypted with SECRET_KEY_PREVIOUS, with the current SECRET_KEY."""
        async with self._db.begin() as tx:
            for key in await StoredKeys(tx).all():
                with suppress(SigningKeyError):  # `load` reports it
                    if (renewed := self._vault.renew(key.encrypted_pem)) is not None:
                        key.encrypted_pem = renewed

    def _openable(self, stored: Sequence[StoredKey]) -> dict[str, jose.SigningKey]:
        """Return the keys by `kid`, without those that cannot be decrypted, so that the others can still be used."""
        opened, unusable = {}, set()
        for key in stored:
            try:
                opened[key.kid] = self._opened.get(key.kid) or self.open(key)
            except SigningKeyError:
                unusable.add(key.kid)
        # If none can be decrypted, `load` reports that as one error.
        for kid in sorted(unusable - self._unusable) if opened else ():
            logger.warning("signing key %r cannot be decrypted and is ignored", kid)
        self._unusable |= unusable
        return opened
