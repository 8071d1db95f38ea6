"""The queries of the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Update, case, delete, func, select, update

from gatepost.core.db.database import Transaction
from gatepost.mail.models import OutboxMail

LONGEST_CAUSE = 255


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """How the outbox stands: mails that will be tried, mails given up, and since when the oldest to be tried waits."""

    pending: int
    failed: int
    oldest_pending_at: datetime | None


class Outbox:
    """The outbox, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def due(self, *, now: datetime, limit: int) -> Sequence[OutboxMail]:
        """Return mails that are due, the longest due first."""
        return (
            await self._tx.scalars(
                select(OutboxMail).where(OutboxMail.due_at <= now).order_by(OutboxMail.due_at).limit(limit)
            )
        ).all()

    async def claim(self, mail: OutboxMail, *, now: datetime, until: datetime) -> bool:
        """Put off a mail that is due; of several workers at once, one does and gets True."""
        return await self._changed(
            update(OutboxMail).where(OutboxMail.id == mail.id, OutboxMail.due_at <= now).values(due_at=until)
        )

    async def has(self, mail: OutboxMail) -> bool:
        """Whether a mail is there as it was claimed: a failover that loses it may give its id to another one."""
        query = select(OutboxMail.kind, OutboxMail.address, OutboxMail.user_id, OutboxMail.created_at)
        row = (await self._tx.execute(query.where(OutboxMail.id == mail.id))).one_or_none()
        return row is not None and tuple(row) == (mail.kind, mail.address, mail.user_id, mail.created_at)

    async def remove(self, mail: OutboxMail) -> None:
        """Delete a mail that needs no more sending; nothing where its id is another one's."""
        is_it = (OutboxMail.id == mail.id) & (OutboxMail.created_at == mail.created_at)
        await self._changed(delete(OutboxMail).where(is_it))

    async def put_off(
        self, mail_id: int, *, claimed_until: datetime, attempts: int, cause: str, due_at: datetime
    ) -> None:
        """Note a failed try and when the next one is; nothing where the claim has passed to another worker."""
        await self._changed(
            update(OutboxMail)
            .where(OutboxMail.id == mail_id, OutboxMail.due_at == claimed_until)
            .values(attempts=attempts, last_error=cause[:LONGEST_CAUSE], due_at=due_at)
        )

    async def give_up(self, mail_id: int, *, claimed_until: datetime, attempts: int, cause: str, at: datetime) -> bool:
        """Note the last failed try; False, and nothing noted, where the claim has passed to another worker."""
        return await self._changed(
            update(OutboxMail)
            .where(OutboxMail.id == mail_id, OutboxMail.due_at == claimed_until)
            .values(attempts=attempts, last_error=cause[:LONGEST_CAUSE], due_at=None, failed_at=at)
        )

    async def failed(self) -> Sequence[OutboxMail]:
        """Return every mail that was given up, the oldest first."""
        return (
            await self._tx.scalars(select(OutboxMail).where(OutboxMail.due_at.is_(None)).order_by(OutboxMail.id))
        ).all()

    async def put_back(self, *, now: datetime, mail_id: int | None = None) -> int:
        """Let given-up mails, one or all, be tried from the start again; return how many."""
        statement = update(OutboxMail).where(OutboxMail.due_at.is_(None))
        if mail_id is not None:
            statement = statement.where(OutboxMail.id == mail_id)
        return await self._count(statement.values(due_at=now, attempts=0, failed_at=None, last_error=""))

    async def counts(self) -> OutboxCounts:
        """Count what waits and what was given up."""
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
        result = await self._tx.execute(statement.execution_options(synchronize_session=False))
        return cast("CursorResult[Any]", result).rowcount
