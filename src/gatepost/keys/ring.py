"""The key ring: the key that signs now and all that verify, in memory, as the database has them."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core import jose
from gatepost.core.clock import Clock
from gatepost.core.database import Database, retry_conflicts
from gatepost.core.settings import JwtAlgorithm
from gatepost.keys.errors import SigningKeyError
from gatepost.keys.models import StoredKey
from gatepost.keys.repository import StoredKeys
from gatepost.keys.vault import KeyVault

# Verifiers may keep the JWK Set for this long, so a key is published for as long before it signs.
PUBLISHED_SECONDS = 300


def active_slot(algorithm: str) -> str:
    """Return the slot of the key that signs."""
    return f"{algorithm}:active"


def next_slot(algorithm: str) -> str:
    """Return the slot of the key that will sign after the next rotation."""
    return f"{algorithm}:next"


class KeyRing:
    """Holds the keys of a worker; `load` brings in what another worker or an operator has changed.

    With HS256 there is one key, JWT_SECRET, and nothing in the database.
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
        self._verifying: Mapping[str, jose.VerifyingKey] = (
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
    def verifying(self) -> Mapping[str, jose.VerifyingKey]:
        """Every key whose tokens are good, by its kid: next, active and retiring."""
        return self._verifying

    def jwks(self) -> dict[str, Any]:
        """Return the JWK Set (RFC 7517): the public keys; a shared secret is none."""
        return {"keys": [dict(key.jwk) for key in self._verifying.values() if key.jwk is not None]}

    async def start(self) -> None:
        """Load the keys; make the first ones where there are none, once among all replicas."""
        if self._shared is not None:
            return
        for slot in (active_slot(self.algorithm), next_slot(self.algorithm)):
            async with self._db.read() as tx:
                is_there = await StoredKeys(tx).has_slot(slot)
            if not is_there:
                key = await self.new_key(slot, now=self._clock.now())
                with suppress(IntegrityError):  # another replica made it in the meantime
                    await self._add(key)
        await self._encrypt_again()
        await self.load()

    async def load(self) -> None:
        """Read the keys again; those that are known are not opened again."""
        if self._shared is not None:
            return
        async with self._db.read() as tx:
            stored = await StoredKeys(tx).all()
        opened = {key.kid: self._opened.get(key.kid) or self._open(key) for key in stored}
        signing = next((opened[key.kid] for key in stored if key.slot == active_slot(self.algorithm)), None)
        if signing is None:
            raise SigningKeyError(f"there is no active key for {self.algorithm}; restart the service to make one")
        self._opened = opened
        self._signing = signing
        self._verifying = {kid: key.verifying for kid, key in opened.items()}

    async def new_key(self, slot: str, *, now: datetime) -> StoredKey:
        """Make a key for a slot; nothing is stored yet. RSA takes seconds, so it is not done within a transaction."""
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

    @retry_conflicts
    async def _add(self, key: StoredKey) -> None:
        async with self._db.begin() as tx:
            await StoredKeys(tx).add(key)
            record(tx, AuditEvent.KEY_CREATED, at=key.created_at, details={"kid": key.kid})

    @retry_conflicts
    async def _encrypt_again(self) -> None:
        """Bring keys that SECRET_KEY_PREVIOUS closed under today's SECRET_KEY."""
        async with self._db.begin() as tx:
            for key in await StoredKeys(tx).all():
                if (renewed := self._vault.renew(key.encrypted_pem)) is not None:
                    key.encrypted_pem = renewed

    def _open(self, key: StoredKey) -> jose.SigningKey:
        return jose.signing_key_from_pem(self._vault.open(key.encrypted_pem), key.algorithm)
