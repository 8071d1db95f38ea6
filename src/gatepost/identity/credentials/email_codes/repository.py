"""Queries of codes by mail."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update

from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.links.models import EmailCode

# Of one code; the link beside it stays good.
MOST_TRIES = 5


class EmailCodes:
    """The codes, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def replace(self, code: EmailCode, *, before: str = "") -> EmailCode:
        """Insert a code; the one that its place had is gone, and so is that of `before`, what named the place then."""
        await self._delete(EmailCode.bound_to.in_({code.bound_to, before}))
        self._tx.add(code)
        await self._tx.flush()
        return code

    async def held(self, code_id: int, *, now: datetime) -> EmailCode | None:
        """Return a code that can still be sent, locked until the transaction ends."""
        row = await self._tx.get(EmailCode, code_id, with_for_update=True, populate_existing=True)
        return row if row is not None and row.expires_at > now else None

    async def take_try(self, purpose: str, bound_to: str, email_canonical: str, *, now: datetime) -> EmailCode | None:
        """Count a try of the code of a place and an address, and return it, locked; None where there is none left.

        Counted before anything is compared: of any number of tries at once, no more than those that are left are.
        """
        theirs = (EmailCode.purpose == purpose, EmailCode.bound_to == bound_to)
        counted = (
            update(EmailCode)
            .where(
                *theirs,
                EmailCode.email_canonical == email_canonical,
                EmailCode.expires_at > now,
                EmailCode.tries < MOST_TRIES,
            )
            .values(tries=EmailCode.tries + 1)
            .execution_options(synchronize_session=False)
        )
        if await rows_changed(self._tx, counted) != 1:
            return None
        return await self._one(*theirs)

    async def of_link(self, purpose: str, token: str, *, now: datetime) -> EmailCode | None:
        """Return the code beside a link, by the token of the link."""
        return await self._one(
            EmailCode.purpose == purpose, EmailCode.link_digest == digest_of(token), EmailCode.expires_at > now
        )

    async def use(self, code: EmailCode, *, now: datetime) -> bool:
        """Use a code and its link up; return whether it was there and not too old. Of several at once, one is."""
        is_used = await self._delete(EmailCode.id == code.id, EmailCode.expires_at > now) == 1
        self._tx.expunge(code)
        return is_used

    async def _one(self, *which: ColumnElement[bool]) -> EmailCode | None:
        return await self._tx.scalar(select(EmailCode).where(*which).execution_options(populate_existing=True))

    async def _delete(self, *which: ColumnElement[bool]) -> int:
        statement = delete(EmailCode).where(*which).execution_options(synchronize_session=False)
        return await rows_changed(self._tx, statement)
