"""Taking back what somebody else did: "this was not me"."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.accounts.errors import LinkUnusable
from gatepost.accounts.models import User
from gatepost.accounts.names import parse_email
from gatepost.accounts.one_time_tokens import OneTimeTokens, Purpose
from gatepost.accounts.repository import Users
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, retry_conflicts
from gatepost.core.passwords import UNUSABLE_HASH
from gatepost.mail.outbox import MailKind, enqueue
from gatepost.recovery.passwords import VOIDED
from gatepost.sessions.service import SessionService


class NotMeService:
    """Ends what a stranger began, makes the password useless, and starts the way back."""

    def __init__(self, database: Database, clock: Clock, sessions: SessionService) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions

    async def report(self, token: str, *, client: Client) -> None:
        """End the sessions that the mail spoke of, and send a link for a new password.

        After a new device those are its sessions; after a changed password or address it is every session, and a
        changed address is changed back, unless another account has taken it.

        Raises:
            LinkUnusable: the token is no good.
        """
        try:
            await self._report(token, restores_address=True, client=client)
        except IntegrityError:
            await self._report(token, restores_address=False, client=client)

    @retry_conflicts
    async def _report(self, token: str, *, restores_address: bool, client: Client) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            used = await OneTimeTokens(tx).use(Purpose.NOT_ME, token, now=now)
            user = await Users(tx).to_change(used.user_id or 0) if used is not None else None
            if used is None or user is None:
                raise LinkUnusable
            if restores_address and "old_email" in used.data:
                self._restore(user, used.data["old_email"])
                await tx.flush()
            # Whoever it was may know the password.
            user.password_hash = UNUSABLE_HASH
            await tx.flush()
            # They may have asked for another address already, and wait for its link.
            await OneTimeTokens(tx).void(user.id, VOIDED, now=now)
            for sessions in _spoken_of(used.data):
                await self._sessions.end(tx, user_id=user.id, reason="not_me", client=client, **sessions)
            enqueue(tx, MailKind.RESET_PASSWORD, address=user.email, language=user.language, at=now, user_id=user.id)
            record(tx, AuditEvent.NOT_ME, at=now, user_id=user.id, client=client)

    def _restore(self, user: User, address: str) -> None:
        email = parse_email(address)
        user.email, user.email_canonical = email.display, email.canonical
        user.updated_at = self._clock.now()
        user.version += 1


def _spoken_of(data: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Return which sessions to end: the one that was told, and any other that its device has opened unseen; or all."""
    return [{name: data[name]} for name in ("session_id", "device") if name in data] or [{}]
