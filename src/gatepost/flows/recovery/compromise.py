"""Taking back what somebody else did: "this was not me"."""

from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.recovery.links import open_link
from gatepost.identity.accounts.errors import LinkInvalid
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, mailbox_of, read_email
from gatepost.identity.accounts.repository import Users
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.identity.privacy.deletion import take_deletion_back
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.sessions.service import SessionService
from gatepost.mail.outbox import MailKind

# Where no mail arrives (RFC 6761): the address of an account that held one that is not its own.
NOWHERE = "account-{id}@taken-back.invalid"


class CompromiseReports:
    """Ends what a stranger began, makes the password useless, and starts the way back.

    Each mail that warns is a claim of the address that it goes to. Of the claims of several addresses the oldest is
    the strongest: using one ends those of addresses that the account had later, and leaves older ones alone. So a
    thief who has moved the account away has no claim that its owner could not undo.
    """

    def __init__(self, database: Database, clock: Clock, sessions: SessionService, feed: RevocationFeed) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions
        self._feed = feed

    async def report(self, token: str, *, info: RequestInfo) -> bool:
        """Take the account back to the address of the mail, send a link for a new password, return whether it was sent.

        After a sign-in, sessions that began with it or later end, and those of its device. Where the password or the
        address has been changed, every session does. A planned deletion is taken back, and so is every invitation that
        the account has sent. Another account that has taken the address meanwhile, and has not proved it, loses it: the
        token does prove it. Where one has proved it, no link is sent, and the account keeps no address: the present one
        is a stranger's.

        Raises:
            LinkInvalid: the token is no good, or its account is disabled.
        """
        try:
            return await self._report(token, info=info)
        except IntegrityError:  # somebody has taken it at the same moment, and is seen now
            return await self._report(token, info=info)

    @retry_conflicts
    async def _report(self, token: str, *, info: RequestInfo) -> bool:
        now = self._clock.now()
        async with self._db.begin() as tx:
            used, user = await open_link(tx, token, Purpose.COMPROMISE_REPORT, now=now)
            email = _claimed(used, user)
            mailbox = mailbox_of(email.display)
            was_moved = mailbox_of(user.email) != mailbox
            is_theirs = not was_moved or await self._restore(tx, user, email, info=info)
            # Whoever it was may know the password.
            user.password_hash = UNUSABLE_HASH
            user.disowned_at = now
            user.touch(now)
            take_deletion_back(tx, user, now=now, info=info)
            await tx.flush()
            # They may have asked for another address already, and wait for its link.
            await end_links(tx, user.id, LinkEnd.NOT_ME, now=now)
            await OneTimeTokens(tx).void_younger(
                Purpose.COMPROMISE_REPORT, user.id, than=used.id, email=mailbox, now=now
            )
            for sessions in [{}] if was_moved else _sessions_in_doubt(used):
                await self._sessions.disown(tx, user.id, info=info, **sessions)
            if is_theirs:
                await notify(tx, MailKind.RESET_PASSWORD, user, at=now)
            record(tx, AuditEvent.COMPROMISE_REPORTED, at=now, user_id=user.id, info=info)
        return is_theirs

    async def _restore(self, tx: Transaction, user: User, email: Name, *, info: RequestInfo) -> bool:
        """Give the account its address back, and return whether it has it."""
        holder = await Users(tx).by_email(email.canonical)
        # The account itself may have it, in another spelling.
        if holder is not None and holder.id != user.id:
            holder = await Users(tx).get_for_update(holder.id)
        if holder not in (None, user) and holder.email_canonical == email.canonical:
            if holder.email_verified_at is not None:
                await self._take_away(tx, user, info=info)
                return False
            await self._take_away(tx, holder, info=info)
            await end_links(tx, holder.id, LinkEnd.ADDRESS_REPLACED, now=self._clock.now())
        await self._give(tx, user, email)
        await tx.flush()
        return True

    async def _take_away(self, tx: Transaction, user: User, *, info: RequestInfo) -> None:
        now = self._clock.now()
        nowhere = NOWHERE.format(id=user.id)
        await self._give(tx, user, Name(nowhere, nowhere))
        user.email_verified_at = None
        await tx.flush()
        record(
            tx, AuditEvent.EMAIL_CHANGED, at=now, user_id=user.id, info=info, details={"reason": "not_me"}
        )  # fmt: skip

    async def _give(self, tx: Transaction, user: User, email: Name) -> None:
        if user.change_email(email):
            await self._feed.revoke_account(tx, user.id)  # access tokens carry the name
        user.touch(self._clock.now())


def _claimed(used: OneTimeToken, user: User) -> Name:
    """Return the address that a claim is for.

    Raises:
        LinkInvalid: it is from before claims said so, and the account is at another address.
    """
    email = used.data.get("email") or used.data.get("old_email")
    if email is not None:
        return read_email(email)
    if used.email_canonical != user.email_canonical:
        raise LinkInvalid
    return Name(user.email, user.email_canonical)


def _sessions_in_doubt(used: OneTimeToken) -> list[dict[str, Any]]:
    """Return which sessions to end: the one that was told on, those after it, and those of its device; or all."""
    if "session_id" not in used.data:
        return [{}]
    # The link was asked for when that session began.
    return [{"session_id": used.data["session_id"]}, {"after": used.created_at}, {"device": used.data["device"]}]
