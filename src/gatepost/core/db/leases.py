"""Leases in the database, for work that only one replica does at a time."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.db.row_counts import rows_changed
from gatepost.core.db.tables import Base, exact


class Lease(Base):
    """Who may do a kind of work, and until when."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(exact(64), primary_key=True)
    holder: Mapped[str] = mapped_column(exact(64))
    expires_at: Mapped[datetime]


class Leases:
    """Takes leases for this worker; one that is not renewed passes to another worker."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self._me = secrets.token_hex(16)

    async def take(self, name: str, *, life: timedelta) -> bool:
        """Take or renew a lease; False while another worker holds it."""
        try:
            return await self._take(name, life=life)
        except IntegrityError:
            return False  # another worker created it first

    @retry_conflicts
    async def _take(self, name: str, *, life: timedelta) -> bool:
        now = self._clock.now()
        statement = (
            update(Lease)
            .where(Lease.name == name, (Lease.holder == self._me) | (Lease.expires_at <= now))
            .values(holder=self._me, expires_at=now + life)
            .execution_options(synchronize_session=False)
        )
        async with self._db.begin() as tx:
            if await rows_changed(tx, statement) == 1:
                return True
            if await tx.get(Lease, name) is not None:
                return False
            tx.add(Lease(name=name, holder=self._me, expires_at=now + life))
            return True
