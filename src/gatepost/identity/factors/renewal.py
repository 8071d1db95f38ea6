"""Sealed secrets of second factors, when SECRET_KEY is replaced."""

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from gatepost.core.crypto.sealing import SealError, SecretBox
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import owner_of

logger = logging.getLogger("gatepost")

BATCH = 200


class SealRenewal:
    """Brings what SECRET_KEY_PREVIOUS has sealed under today's SECRET_KEY; `sealed` has each column with its box."""

    def __init__(self, database: Database, sealed: Sequence[tuple[InstrumentedAttribute[str], SecretBox]]) -> None:
        self._db = database
        self._sealed = sealed

    async def run(self) -> int:
        """Seal a batch anew and return how many there were."""
        return sum([await self._renew(column, box) for column, box in self._sealed if box.previous is not None])

    @retry_conflicts
    async def _renew(self, column: InstrumentedAttribute[str], box: SecretBox) -> int:
        model: Any = column.class_
        query = (
            select(model, User)
            .join(User, User.id == model.user_id)
            .where(column.startswith(f"{box.previous}.", autoescape=True))
            .limit(BATCH)
            .with_for_update(of=model)
        )
        renewed = 0
        async with self._db.begin() as tx:
            for row, user in (await tx.execute(query)).all():
                try:
                    setattr(row, column.key, box.renew(getattr(row, column.key), owner=owner_of(user)))
                except SealError:  # changed by other hands
                    logger.warning("the second factor of account %d cannot be opened", user.id)
                else:
                    renewed += 1
        return renewed
