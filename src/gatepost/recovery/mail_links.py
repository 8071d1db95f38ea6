"""The words and links of every mail, made at the moment of sending: no token lies in the outbox."""

from datetime import datetime, timedelta
from typing import Any

from gatepost.accounts.errors import InvitationUnusable
from gatepost.accounts.models import User
from gatepost.accounts.names import parse_email
from gatepost.accounts.one_time_tokens import OneTimeTokens, Purpose, new_token
from gatepost.accounts.policy import NOT_ME_LIFE, AccountPolicy
from gatepost.accounts.repository import Users
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, retry_conflicts
from gatepost.core.settings import SignUp
from gatepost.invitations.acceptance import roles_given
from gatepost.invitations.repository import Invitations
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail
from gatepost.sessions.devices import describe

# The token is in the fragment, which browsers send to nobody and which no log has.
PAGES = {
    Purpose.VERIFY_EMAIL: "/verify-email",
    Purpose.CHANGE_EMAIL: "/verify-email",
    Purpose.SET_PASSWORD: "/set-password",
    Purpose.NOT_ME: "/not-me",
}
# Nobody's mailbox is filled by a stranger who asks again and again.
PAUSE = timedelta(seconds=60)


class MailLinks:
    """Makes the mails of the outbox ready; the outbox worker calls it."""

    def __init__(self, database: Database, clock: Clock, *, public_url: str, policy: AccountPolicy) -> None:
        self._db = database
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._policy = policy

    @retry_conflicts
    async def prepare(self, mail: OutboxMail) -> PreparedMail | None:
        """Return what to send; None where nobody is to get it any more.

        Each try makes a new link, and the one before is void.
        """
        async with self._db.begin() as tx:
            match MailKind(mail.kind):
                case MailKind.INVITATION:
                    return await self._invitation(tx, mail)
                case MailKind.SIGN_UP_TAKEN:
                    return await self._sign_up_taken(tx, mail)
                case kind:
                    user = await self._user(tx, mail)
                    if user is None or (user.disabled_at is not None):
                        return None
                    return await self._for_user(tx, kind, mail, user)

    async def _for_user(self, tx: Transaction, kind: MailKind, mail: OutboxMail, user: User) -> PreparedMail | None:
        match kind:
            case MailKind.VERIFY_EMAIL:
                if user.email_verified_at is not None:
                    return None
                return await self._with_link(tx, mail, user, Purpose.VERIFY_EMAIL, life=self._policy.verify_email_life)
            case MailKind.RESET_PASSWORD:
                return await self._with_link(
                    tx, mail, user, Purpose.SET_PASSWORD, life=self._policy.reset_password_life
                )
            case MailKind.SET_PASSWORD:
                return await self._with_link(tx, mail, user, Purpose.SET_PASSWORD, life=self._policy.invitation_life)
            case MailKind.CONFIRM_NEW_EMAIL:
                return await self._confirm_new_email(tx, mail, user)
            case MailKind.NEW_DEVICE | MailKind.PASSWORD_CHANGED | MailKind.EMAIL_CHANGED:
                return await self._warning(tx, mail, user)
            case _:
                erase_at = datetime.fromisoformat(mail.data["erase_at"])
                return _ready(mail, user, {"erase_at": erase_at, "link": f"{self._public_url}/sign-in"})

    async def _with_link(
        self, tx: Transaction, mail: OutboxMail, user: User, purpose: Purpose, *, life: timedelta
    ) -> PreparedMail | None:
        now = self._clock.now()
        tokens = OneTimeTokens(tx)
        # Strangers name an address; what knows the account was asked for by somebody who may.
        is_strangers = mail.user_id is None and mail.attempts == 0
        if is_strangers and await tokens.issued_since(purpose, user.id, now - PAUSE):
            return None
        token = await tokens.issue(purpose, email_canonical=user.email_canonical, now=now, life=life, user_id=user.id)
        return _ready(mail, user, {"link": self._link(purpose, token), "expires_at": now + life})

    async def _confirm_new_email(self, tx: Transaction, mail: OutboxMail, user: User) -> PreparedMail | None:
        now, life = self._clock.now(), self._policy.verify_email_life
        email = parse_email(mail.address)
        if await Users(tx).by_email(email.canonical) is not None:
            return None
        token = await OneTimeTokens(tx).issue(
            Purpose.CHANGE_EMAIL,
            email_canonical=email.canonical,
            now=now,
            life=life,
            user_id=user.id,
            data={"email": email.display},
        )
        context = {"link": self._link(Purpose.CHANGE_EMAIL, token), "expires_at": now + life}
        return _ready(mail, user, context, address=mail.address)

    async def _warning(self, tx: Transaction, mail: OutboxMail, user: User) -> PreparedMail:
        device = describe(str(mail.data.get("device", "")))
        data: dict[str, Any] = {name: mail.data[name] for name in ("session_id", "old_email") if name in mail.data}
        if "session_id" in data:
            data["device"] = device
        token = await OneTimeTokens(tx).issue(
            Purpose.NOT_ME,
            email_canonical=parse_email(mail.address).canonical,
            now=self._clock.now(),
            life=NOT_ME_LIFE,
            user_id=user.id,
            data=data,
            replaces=False,
        )
        context = {
            "device": device,
            "address": mail.data.get("client_address", ""),
            "at": mail.created_at,
            "not_me_link": self._link(Purpose.NOT_ME, token),
        }
        return _ready(mail, user, context, address=mail.address)

    async def _sign_up_taken(self, tx: Transaction, mail: OutboxMail) -> PreparedMail:
        user = await self._user(tx, mail)
        context = {
            "username": user.username if user else "",
            "has_account": user is not None,
            "link": f"{self._public_url}/sign-in",
        }
        language = user.language if user else mail.language
        return PreparedMail(user.email if user else mail.address, language, mail.kind, context)

    async def _invitation(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        now, life = self._clock.now(), self._policy.invitation_life
        invitations, token = Invitations(tx), new_token()
        invitation = await invitations.get(mail.data.get("invitation_id", 0))
        if invitation is None or self._policy.signup is SignUp.CLOSED:
            return None
        try:
            await roles_given(tx, invitation)
        except InvitationUnusable:
            return None
        if not await invitations.renew(invitation, token=token, expires_at=now + life):
            return None
        context = {
            "username": "",
            "invited_by": invitation.inviter.username,
            "roles": invitation.role_names,
            "link": f"{self._public_url}/invitation#token={token}",
            "expires_at": now + life,
        }
        return PreparedMail(mail.address, mail.language, mail.kind, context)

    async def _user(self, tx: Transaction, mail: OutboxMail) -> User | None:
        if mail.user_id is not None:
            return await Users(tx).get(mail.user_id)
        return await Users(tx).by_email(parse_email(mail.address).canonical)

    def _link(self, purpose: Purpose, token: str) -> str:
        return f"{self._public_url}{PAGES[purpose]}#token={token}"


def _ready(mail: OutboxMail, user: User, context: dict[str, Any], *, address: str | None = None) -> PreparedMail:
    return PreparedMail(address or user.email, user.language, mail.kind, {"username": user.username, **context})
