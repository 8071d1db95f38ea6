"""Taking back what somebody else did: "this was not me"."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.accounts.errors import LinkUnusable
from gatepost.accounts.models import User
from gatepost.accounts.names import Name, read_email
from gatepost.accounts.one_time_tokens import OneTimeTokens, Purpose
from gatepost.accounts.repository import Users
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, retry_conflicts
from gatepost.core.passwords import UNUSABLE_HASH
from gatepost.mail.outbox import MailKind, enqueue
from gatepost.recovery.passwords import VOIDED
from gatepost.sessions.service import SessionService

# Where no mail arrives (RFC 6761): the address of an account that held one that is not its own.
NOWHERE = "account-{id}@taken-back.invalid"


class NotMeService:
    """Ends what a stranger began, makes the password useless, and starts the way back."""

    def __init__(self, database: Database, clock: Clock, sessions: SessionService) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions

    async def report(self, token: str, *, client: Client) -> bool:
        """End the sessions that the mail spoke of, send a link for a new password, and return whether it was sent.

        After a new device those are its sessions; after a changed password or address it is every session, and a
        changed address is changed back. An account that has taken the address meanwhile, and has not proved it, loses
        it: the token does prove it. Where one has proved it, no link is sent: the present address is a stranger's.

        Raises:
            LinkUnusable: the token is no good.
        """
        try:
            return await self._report(token, client=client)
        except IntegrityError:  # somebody has taken it at the same moment, and is seen now
            return await self._report(token, client=client)

    @retry_conflicts
    async def _report(self, token: str, *, client: Client) -> bool:
        now = self._clock.now()
        async with self._db.begin() as tx:
            used = await OneTimeTokens(tx).use(Purpose.NOT_ME, token, now=now)
            user = await Users(tx).to_change(used.user_id or 0) if used is not None else None
            if used is None or user is None:
                raise LinkUnusable
            is_theirs = "old_email" not in used.data or await self._restore(
                tx, user, read_email(used.data["old_email"]), client=client
            )
            # Whoever it was may know the password.
            user.password_hash = UNUSABLE_HASH
            await tx.flush()
            # They may have asked for another address already, and wait for its link.
            await OneTimeTokens(tx).void(user.id, VOIDED, now=now)
            for sessions in _spoken_of(used.data):
                await self._sessions.end(tx, user_id=user.id, reason="not_me", client=client, **sessions)
            if is_theirs:
                enqueue(
                    tx, MailKind.RESET_PASSWORD, address=user.email, language=user.language, at=now, user_id=user.id
                )
            record(tx, AuditEvent.NOT_ME, at=now, user_id=user.id, client=client)
        return is_theirs

    async def _restore(self, tx: Transaction, user: User, email: Name, *, client: Client) -> bool:
        """Give the account its address back, and return whether it has it."""
        holder = await Users(tx).by_email(email.canonical)
        if holder is not None and holder.id != user.id:
            holder = await Users(tx).to_change(holder.id)
        if holder is not None and holder.id != user.id and holder.email_canonical == email.canonical:
            if holder.email_verified_at is not None:
                return False
            await self._take_away(tx, holder, client=client)
        self._give(user, email)
        await tx.flush()
        return True

    async def _take_away(self, tx: Transaction, holder: User, *, client: Client) -> None:
        now = self._clock.now()
        nowhere = NOWHERE.format(id=holder.id)
        self._give(holder, Name(nowhere, nowhere))
        await tx.flush()
        await OneTimeTokens(tx).void(holder.id, [*VOIDED, Purpose.VERIFY_EMAIL], now=now)
        record(
            tx, AuditEvent.EMAIL_CHANGED, at=now, user_id=holder.id, client=client, details={"reason": "not_me"}
        )  # fmt: skip

    def _give(self, user: User, email: Name) -> None:
        user.email, user.email_canonical = email.display, email.canonical
        user.updated_at = self._clock.now()
        user.version += 1


def _spoken_of(data: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Return which sessions to end: the one that was told, and any other that its device has opened unseen; or all."""
    return [{name: data[name]} for name in ("session_id", "device") if name in data] or [{}]
