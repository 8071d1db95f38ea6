"""Mails with codes: each is made when its mail is sent."""

from typing import Any

from gatepost.core.clock import Clock
from gatepost.core.db.database import Transaction
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, is_reserved
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Users
from gatepost.identity.credentials.email_codes.method import CodePurpose, EmailCodeMethod
from gatepost.identity.credentials.email_codes.repository import EmailCodes
from gatepost.identity.links.models import EmailCode
from gatepost.identity.mailing.links import LinkWriter, ready
from gatepost.identity.sessions.devices import UNKNOWN, describe
from gatepost.mail.models import OutboxMail
from gatepost.mail.prepared import PreparedMail

PAGE = "/sign-in-link"


class EmailCodeMails:
    """Prepares these mails."""

    def __init__(self, clock: Clock, links: LinkWriter, codes: EmailCodeMethod, *, policy: AccountPolicy) -> None:
        self._clock = clock
        self._links = links
        self._codes = codes
        self._signup = policy.signup

    async def code(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Prepare the mail with a code, unless its time is over, or its account is disabled or has changed since.

        To an address without an account it goes where anybody may sign up, or where it only proves the address.
        """
        row = await EmailCodes(tx).held(int(mail.data["code_id"]), now=self._clock.now())
        if row is None:
            return None
        user = await Users(tx).get(row.user_id or 0)
        if user is not None and user.disabled_at is not None:
            return None
        if user is None and row.purpose == CodePurpose.SIGN_IN and not await self._may_sign_up(tx, row):
            return None
        code, token = await self._codes.write(tx, row)
        device = describe(row.user_agent)
        context: dict[str, Any] = {
            "code": code,
            "expires_at": row.expires_at,
            "device": "" if device == UNKNOWN else device,
            "address": row.address,
            "at": row.created_at,
        }
        if row.purpose == CodePurpose.SIGN_IN:
            context |= {"link": self._links.with_token(PAGE, token), "is_new": user is None}
        return _to(mail, row, user, context)

    async def _may_sign_up(self, tx: Transaction, row: EmailCode) -> bool:
        if self._signup is not SignUp.OPEN or is_reserved(Name(row.email, row.email_canonical)):
            return False
        # An account that has got the address since may be somebody else's.
        return await Users(tx).by_email(row.email_canonical) is None


def _to(mail: OutboxMail, row: EmailCode, user: User | None, context: dict[str, Any]) -> PreparedMail:
    """Return the mail: of an account to its own spelling of the address, since another may be somebody else's."""
    if user is not None:
        return ready(mail, user, context, address=user.email)
    return PreparedMail(row.email, mail.language, mail.kind, {"username": "", **context})
