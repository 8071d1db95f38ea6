"""The queries of invitations."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Delete, Update, delete, select, update
from sqlalchemy.orm import selectinload

from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.invitations.models import Invitation


class Invitations:
    """The invitations, within one transaction; each is read with its roles and its inviter."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def page(self, *, after: Invitation | None, size: int) -> Sequence[Invitation]:
        """Return invitations, the newest first, after a given one."""
        older = () if after is None else (Invitation.id < after.id,)
        return await self._found(*older, limit=size)

    async def get(self, invitation_id: int) -> Invitation | None:
        """Return an invitation."""
        return next(iter(await self._found(Invitation.id == invitation_id)), None)

    async def of_token(self, token: str, *, now: datetime) -> Invitation | None:
        """Return the invitation of a link's token, unless it has expired."""
        of_token = Invitation.digest == digest_of(token)
        return next(iter(await self._found(of_token, Invitation.expires_at > now)), None)

    async def of_address(self, email_canonical: str) -> Invitation | None:
        """Return the invitation of an address."""
        return next(iter(await self._found(Invitation.email_canonical == email_canonical)), None)

    async def add(self, invitation: Invitation) -> Invitation:
        """Insert an invitation of an address that has none, and give it its id."""
        self._tx.add(invitation)
        await self._tx.flush()
        await self._tx.refresh(invitation, ["inviter"])
        return invitation

    async def renew(self, invitation: Invitation, *, token: str, expires_at: datetime) -> bool:
        """Give an invitation a new token and expiry; False if it no longer exists."""
        return await self._changed(
            update(Invitation)
            .where(Invitation.id == invitation.id)
            .values(digest=digest_of(token), expires_at=expires_at)
        )

    async def use_up(self, invitation: Invitation) -> bool:
        """Delete an invitation if its token is unchanged since it was read; only one of concurrent calls gets True."""
        return await self._changed(
            delete(Invitation).where(Invitation.id == invitation.id, Invitation.digest == invitation.digest)
        )

    async def remove(self, invitation: Invitation) -> bool:
        """Delete an invitation; False if it no longer exists."""
        return await self._changed(delete(Invitation).where(Invitation.id == invitation.id))

    async def _found(self, *conditions: ColumnElement[bool], limit: int | None = None) -> Sequence[Invitation]:
        query = select(Invitation).where(*conditions).order_by(Invitation.id.desc()).limit(limit)
        query = query.options(selectinload(Invitation.inviter), selectinload(Invitation.roles))
        return (await self._tx.scalars(query.execution_options(populate_existing=True))).all()

    async def _changed(self, statement: Update | Delete) -> bool:
        return await rows_changed(self._tx, statement.execution_options(synchronize_session=False)) == 1
