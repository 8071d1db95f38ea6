"""The parts that the mails of all flows share: links, and the address and name of the recipient."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gatepost.core.clock import Clock
from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import read_email
from gatepost.identity.accounts.policy import COMPROMISE_REPORT_LIFE, AccountPolicy
from gatepost.identity.links.mails import NOTICES
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail

PAGES = {
    Purpose.VERIFY_EMAIL: "/verify-email",
    Purpose.SIGN_UP: "/verify-email",
    Purpose.CHANGE_EMAIL: "/verify-email",
    Purpose.SET_PASSWORD: "/set-password",
    Purpose.COMPROMISE_REPORT: "/not-me",
}


class LinkWriter:
    """Creates the links of mails."""

    def __init__(self, clock: Clock, *, public_url: str, policy: AccountPolicy) -> None:
        self._clock = clock
        self._public_url = public_url
        self._lives: Mapping[MailKind, timedelta] = {
            MailKind.VERIFY_EMAIL: policy.verify_email_life,
            MailKind.RESET_PASSWORD: policy.reset_password_life,
            MailKind.SET_PASSWORD: policy.invitation_life,
            MailKind.CONFIRM_NEW_EMAIL: policy.verify_email_life,
            MailKind.INVITATION: policy.invitation_life,
            **dict.fromkeys(NOTICES, COMPROMISE_REPORT_LIFE),
        }

    def life(self, kind: MailKind) -> timedelta:
        """Return how long the link of a mail is valid."""
        return self._lives[kind]

    def page(self, path: str) -> str:
        """Return the URL of a page."""
        return f"{self._public_url}{path}"

    def with_token(self, path: str, token: str) -> str:
        """Return the URL of a page with a token."""
        # In the fragment, which browsers do not send and logs do not contain.
        return f"{self.page(path)}#token={token}"

    async def renew(self, tx: Transaction, kind: MailKind, link_id: int) -> dict[str, Any] | None:
        """Give the link of a mail a new token; return the values for its template, or None if the link is void."""
        renewed = await OneTimeTokens(tx).renew(link_id, now=self._clock.now(), life=self._lives[kind])
        if renewed is None:
            return None
        token, row = renewed
        address = self.with_token(PAGES[Purpose(row.purpose)], token)
        # Makes the page ask for the password of the sign-up.
        link = f"{address}&sign-up" if row.purpose == Purpose.SIGN_UP else address
        return {"link": link, "expires_at": row.expires_at}


def canonical(address: str) -> str:
    """Return the canonical form of a mail's address."""
    try:
        return read_email(address).canonical
    except ValueError:  # an account that has lost its address
        return address


def ready(mail: OutboxMail, user: User, context: dict[str, Any], *, address: str) -> PreparedMail:
    """Return a mail to the owner of an account.

    It contains the user name only if the account has verified the address. Otherwise a stranger may have chosen the
    name, or it may be the name of somebody else by now.
    """
    is_theirs = address == user.email and user.email_verified_at is not None
    username = user.username if is_theirs or mail.kind == MailKind.SET_PASSWORD else ""
    return PreparedMail(address, user.language, mail.kind, {"username": username, **context})
