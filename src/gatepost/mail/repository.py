"""The queries of the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Delete, Update, case, delete, func, select, update

from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.mail.models import OutboxMail

LONGEST_CAUSE = 255


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """The numbers of pending mails and of mails given up, and when the oldest pending one was created."""

    pending: int
    failed: int
    oldest_pending_at: datetime | None


class Outbox:
    """The outbox, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def due(self, *, now: datetime, limit: int) -> Sequence[OutboxMail]:
        """Return mails that are due, the earliest first."""
        return (
            await self._tx.scalars(
                select(OutboxMail).where(OutboxMail.due_at <= now).order_by(OutboxMail.due_at).limit(limit)
            )
        ).all()

    async def claim(self, mail: OutboxMail, *, now: datetime, until: datetime) -> bool:
        """Postpone a mail that is due. Of several concurrent workers, only one succeeds and gets True."""
        return await self._changed(
            update(OutboxMail).where(OutboxMail.id == mail.id, OutboxMail.due_at <= now).values(due_at=until)
        )

    async def has(self, mail: OutboxMail) -> bool:
        """Whether a claimed mail still exists. A failover may lose it and then give its id to another mail."""
        query = select(OutboxMail.kind, OutboxMail.address, OutboxMail.user_id, OutboxMail.created_at)
        row = (await self._tx.execute(query.where(OutboxMail.id == mail.id))).one_or_none()
        return row is not None and tuple(row) == (mail.kind, mail.address, mail.user_id, mail.created_at)

    async def remove(self, mail: OutboxMail) -> None:
        """Delete a mail that is done; do nothing if its id now belongs to another mail."""
        is_it = (OutboxMail.id == mail.id) & (OutboxMail.created_at == mail.created_at)
        await self._changed(delete(OutboxMail).where(is_it))

    async def put_off(
        self, mail_id: int, *, claimed_until: datetime, attempts: int, cause: str, due_at: datetime
    ) -> None:
        """Store a failed attempt and the time of the next one; do nothing if another worker has claimed the mail."""
        await self._changed(
            update(OutboxMail)
            .where(OutboxMail.id == mail_id, OutboxMail.due_at == claimed_until)
            .values(attempts=attempts, last_error=cause[:LONGEST_CAUSE], due_at=due_at)
        )

    async def give_up(self, mail_id: int, *, claimed_until: datetime, attempts: int, cause: str, at: datetime) -> bool:
        """Store the last failed attempt; do nothing and return False if another worker has claimed the mail."""
        return await self._changed(
            update(OutboxMail)
            .where(OutboxMail.id == mail_id, OutboxMail.due_at == claimed_until)
            .values(attempts=attempts, last_error=cause[:LONGEST_CAUSE], due_at=None, failed_at=at)
        )

    async def failed(self) -> Sequence[OutboxMail]:
        """Return the mails that were given up, the oldest first."""
        return (
            await self._tx.scalars(select(OutboxMail).where(OutboxMail.due_at.is_(None)).order_by(OutboxMail.id))
        ).all()

    async def put_back(self, *, now: datetime, mail_id: int | None = None) -> int:
        """Schedule one or all given-up mails again, with all attempts; return how many."""
        statement = update(OutboxMail).where(OutboxMail.due_at.is_(None))
        if mail_id is not None:
            statement = statement.where(OutboxMail.id == mail_id)
        return await self._count(statement.values(due_at=now, attempts=0, failed_at=None, last_error=""))

    async def counts(self) -> OutboxCounts:
        """Count the pending mails and those given up."""
        pending, oldest, all_mails = (
            await self._tx.execute(
                select(
                    func.count(OutboxMail.due_at),
                    func.min(case((OutboxMail.due_at.is_not(None), OutboxMail.created_at))),
                    func.count(),
                ).select_from(OutboxMail)
            )
        ).one()
        return OutboxCounts(pending=pending, failed=all_mails - pending, oldest_pending_at=oldest)

    async def _changed(self, statement: Update | Delete) -> bool:
        return await self._count(statement) == 1

    async def _count(self, statement: Update | Delete) -> int:
        return await rows_changed(self._tx, statement.execution_options(synchronize_session=False))
