"""Mails with a link to verify an address or to choose a password."""

from typing import Protocol

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.links.mails import LINK_OF
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import PAUSE, OneTimeTokens, Purpose
from gatepost.identity.mailing.links import LinkWriter, canonical, ready
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail


class SignUps(Protocol):
    """Prepares the mails of pending sign-ups, which use the same routes and look the same."""

    async def waiting(self, tx: Transaction, mail: OutboxMail, row: OneTimeToken) -> PreparedMail | None:
        """Prepare the mail with the link of a sign-up."""

    async def asked_again(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Prepare it again, if the address has a pending sign-up."""


class RecoveryMails:
    """Prepares these mails."""

    def __init__(self, links: LinkWriter, sign_ups: SignUps) -> None:
        self._links = links
        self._sign_ups = sign_ups

    async def asked_for(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Prepare the mail, if the account has not changed since the request."""
        kind, tokens = MailKind(mail.kind), OneTimeTokens(tx)
        row = await tokens.held(await self._link_id(tx, kind, mail))
        user = await Users(tx).get(row.user_id or 0) if row is not None else None
        if row is None:
            return None
        if row.purpose == Purpose.SIGN_UP:
            return await self._sign_ups.waiting(tx, mail, row)
        if user is None and kind is MailKind.VERIFY_EMAIL:
            await tokens.remove(row.id)
            return await self._sign_ups.asked_again(tx, mail)
        is_asked_twice = "asker" in mail.data and mail.attempts == 0 and await tokens.asked_before(row, within=PAUSE)
        if user is None or is_asked_twice or not await self._is_due(tx, kind, row, user):
            await tokens.remove(row.id)
            return None
        context = await self._links.renew(tx, kind, row.id)
        address = mail.address if kind is MailKind.CONFIRM_NEW_EMAIL else user.email
        return ready(mail, user, context or {}, address=address)

    async def _is_due(self, tx: Transaction, kind: MailKind, row: OneTimeToken, user: User) -> bool:
        if user.disabled_at is not None:
            return False
        match kind:
            case MailKind.CONFIRM_NEW_EMAIL:
                # The account's own address in a spelling that may be another mailbox, such as ß for ss, must be
                # verified too.
                return await Users(tx).by_email(row.email_canonical) in (None, user)
            case MailKind.VERIFY_EMAIL:
                return user.email_verified_at is None and user.email_canonical == row.email_canonical
            case _:
                return user.email_canonical == row.email_canonical

    async def _link_id(self, tx: Transaction, kind: MailKind, mail: OutboxMail) -> int:
        """Return the token of a mail. A mail queued before tokens were created with their mail gets one now.

        That is harmless for mails to the current address of an account, since anybody may request those at any time.
        """
        if "link_id" in mail.data:
            return int(mail.data["link_id"])
        email = canonical(mail.address)
        user = await Users(tx).by_email(email) if kind is not MailKind.CONFIRM_NEW_EMAIL else None
        is_same = user is not None and mail.user_id in (None, user.id)
        return await OneTimeTokens(tx).ask(
            LINK_OF[kind],
            user_id=user.id if user is not None and is_same else None,
            email_canonical=email,
            now=mail.created_at,
        )
