"""Queries of the secrets of authenticator apps."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update

from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.factors.models import TotpSecret


class TotpSecrets:
    """The secrets, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def held(self, user_id: int) -> TotpSecret | None:
        """Return the secret of an account, confirmed or not, locked until the transaction ends."""
        query = select(TotpSecret).where(TotpSecret.user_id == user_id).with_for_update()
        return await self._tx.scalar(query.execution_options(populate_existing=True))

    async def add(self, secret: TotpSecret) -> None:
        """Insert a secret; its account has none."""
        self._tx.add(secret)
        await self._tx.flush()

    async def use(self, user_id: int, *, step: int, now: datetime) -> bool:
        """Use up the code of a step, and all before it; return whether it was still good. Of several at once one is."""
        return await self._move_on(user_id, TotpSecret.confirmed_at.is_not(None), step=step, now=now)

    async def confirm(self, user_id: int, *, step: int, now: datetime) -> bool:
        """Let a secret count from now on, whose first code this is; return whether it did not count before."""
        return await self._move_on(user_id, TotpSecret.confirmed_at.is_(None), step=step, now=now, confirmed_at=now)

    async def remove(self, user_id: int) -> None:
        """Delete the secret of an account."""
        # Another may be put in its place, in the same transaction.
        statement = delete(TotpSecret).where(TotpSecret.user_id == user_id)
        await self._tx.execute(statement.execution_options(synchronize_session="evaluate"))

    async def _move_on(
        self, user_id: int, condition: ColumnElement[bool], *, step: int, now: datetime, **values: datetime
    ) -> bool:
        statement = (
            update(TotpSecret)
            .where(TotpSecret.user_id == user_id, TotpSecret.last_step < step, condition)
            .values(last_step=step, last_used_at=now, **values)
            .execution_options(synchronize_session=False)
        )
        return await rows_changed(self._tx, statement) == 1
