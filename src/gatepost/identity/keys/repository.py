"""The queries of signing keys."""

from collections.abc import Sequence

from sqlalchemy import select

from gatepost.core.db.database import Transaction
from gatepost.identity.keys.models import StoredKey


class StoredKeys:
    """The signing keys, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def all(self) -> Sequence[StoredKey]:
        """Return all keys, the oldest first."""
        return (await self._tx.scalars(select(StoredKey).order_by(StoredKey.created_at, StoredKey.kid))).all()

    async def in_slot(self, slot: str) -> StoredKey | None:
        """Return the key in a slot, locked against concurrent rotations."""
        return await self._tx.scalar(select(StoredKey).where(StoredKey.slot == slot).with_for_update())

    async def has_slot(self, slot: str) -> bool:
        """Whether there is a key in a slot."""
        return await self._tx.scalar(select(StoredKey.kid).where(StoredKey.slot == slot)) is not None

    async def get(self, kid: str) -> StoredKey | None:
        """Return a key, locked."""
        return await self._tx.scalar(select(StoredKey).where(StoredKey.kid == kid).with_for_update())

    async def add(self, key: StoredKey) -> None:
        """Insert a key.

        Raises:
            IntegrityError: its slot is taken.
        """
        self._tx.add(key)
        await self._tx.flush()

    async def delete(self, key: StoredKey) -> None:
        """Delete a key."""
        await self._tx.delete(key)
        await self._tx.flush()
