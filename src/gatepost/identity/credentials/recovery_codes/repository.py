"""Queries of recovery codes."""

from datetime import datetime

from sqlalchemy import delete, select, update

from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.factors.models import RecoveryCodes


class RecoveryCodeSets:
    """The sets of codes, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def held(self, user_id: int) -> RecoveryCodes | None:
        """Return the set of an account, locked until the transaction ends."""
        query = select(RecoveryCodes).where(RecoveryCodes.user_id == user_id).with_for_update()
        return await self._tx.scalar(query.execution_options(populate_existing=True))

    async def replace(self, codes: RecoveryCodes) -> None:
        """Insert a set; the one that its account had is gone."""
        await self.remove(codes.user_id)
        self._tx.add(codes)
        await self._tx.flush()

    async def use(self, user_id: int, *, place: int, now: datetime) -> bool:
        """Use up the code at a place of the set; return whether it was unused. Of several at once, one was."""
        bit = 1 << place
        statement = (
            update(RecoveryCodes)
            .where(RecoveryCodes.user_id == user_id, RecoveryCodes.unused.bitwise_and(bit) != 0)
            .values(unused=RecoveryCodes.unused - bit, last_used_at=now)
            .execution_options(synchronize_session=False)
        )
        return await rows_changed(self._tx, statement) == 1

    async def remove(self, user_id: int) -> bool:
        """Delete the set of an account; return whether there was one."""
        # Another may be put in its place, in the same transaction.
        statement = delete(RecoveryCodes).where(RecoveryCodes.user_id == user_id)
        return await rows_changed(self._tx, statement.execution_options(synchronize_session="evaluate")) == 1
