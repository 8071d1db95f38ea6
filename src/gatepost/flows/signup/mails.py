"""Mails of pending sign-ups, whose account is created when the link is followed."""

from dataclasses import replace

from gatepost.core.clock import Clock
from gatepost.core.db.database import Transaction
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.errors import EmailTaken
from gatepost.identity.accounts.names import parse_wanted_name
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Users
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import PAUSE, OneTimeTokens, Purpose
from gatepost.identity.mailing.links import LinkWriter, canonical, ready
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail


class SignUpMails:
    """Prepares these mails."""

    def __init__(self, clock: Clock, links: LinkWriter, *, policy: AccountPolicy) -> None:
        self._clock = clock
        self._links = links
        self._signup = policy.signup

    async def waiting(self, tx: Transaction, mail: OutboxMail, row: OneTimeToken) -> PreparedMail | None:
        """Prepare the mail with the link that creates the account.

        It goes to the exact address of the sign-up: a later request may have another spelling, and so another mailbox.
        """
        if self._signup is not SignUp.OPEN:
            return None
        name = parse_wanted_name(row.data["username"])
        if any(await Users(tx).taken(username=name.canonical, email=row.email_canonical)):
            return await self.taken(tx, mail)
        link = await self._links.renew(tx, MailKind.VERIFY_EMAIL, row.id)
        # The name was chosen by whoever signed up, who may not be the reader.
        return PreparedMail(row.data["email"], mail.language, mail.kind, {"username": "", **(link or {})})

    async def asked_again(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Renew the link of the latest sign-up of an address, unless it is recent or about to be sent."""
        now = self._clock.now()
        row = await OneTimeTokens(tx).latest(Purpose.SIGN_UP, email_canonical=canonical(mail.address), now=now)
        if row is None or row.expires_at - self._links.life(MailKind.VERIFY_EMAIL) > now - PAUSE:
            return None
        return await self.waiting(tx, mail, row)

    async def taken(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Tell the owner of an account that somebody tried to sign up, or somebody without one that the name is taken.

        The outbox may have this kind from an earlier version, which looked this up at sign-up.
        """
        template, link = MailKind.SIGN_UP_TAKEN.value, self._links.page("/sign-in")
        user = await Users(tx).by_email(canonical(mail.address))
        if user is not None and mail.user_id in (None, user.id) and user.disabled_at is None:
            told = ready(mail, user, {"has_account": True, "link": link}, address=user.email)
            return replace(told, template=template)
        if user is None and mail.user_id is None and mail.data.get("what") != EmailTaken.code:
            context = {"username": "", "has_account": False, "link": link}
            return PreparedMail(mail.address, mail.language, template, context)
        return None
