"""The words and links of every mail, made at the moment of sending: no token lies in the outbox."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.errors import EmailTaken, InvitationUnusable
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import parse_wanted_name, read_email
from gatepost.identity.accounts.policy import NOT_ME_LIFE, AccountPolicy
from gatepost.identity.accounts.repository import Users
from gatepost.identity.invitations.acceptance import roles_given
from gatepost.identity.invitations.repository import Invitations
from gatepost.identity.links.mails import LINK_OF, NOTICES
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import OneTimeTokens, Purpose, new_token
from gatepost.identity.sessions.devices import UNKNOWN, describe
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.throttling.mailboxes import Mailboxes
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail
from gatepost.mail.repository import Outbox

PAGES = {
    Purpose.VERIFY_EMAIL: "/verify-email",
    Purpose.SIGN_UP: "/verify-email",
    Purpose.CHANGE_EMAIL: "/verify-email",
    Purpose.SET_PASSWORD: "/set-password",
    Purpose.NOT_ME: "/not-me",
}
# Whoever asks twice in a minute means one mail.
PAUSE = timedelta(seconds=60)


class MailLinks:
    """Makes the mails of the outbox ready; the outbox worker calls it."""

    def __init__(
        self, database: Database, clock: Clock, mailboxes: Mailboxes, *, public_url: str, policy: AccountPolicy
    ) -> None:
        self._db = database
        self._clock = clock
        self._mailboxes = mailboxes
        self._public_url = public_url
        self._signup = policy.signup
        self._lives: Mapping[MailKind, timedelta] = {
            MailKind.VERIFY_EMAIL: policy.verify_email_life,
            MailKind.RESET_PASSWORD: policy.reset_password_life,
            MailKind.SET_PASSWORD: policy.invitation_life,
            MailKind.CONFIRM_NEW_EMAIL: policy.verify_email_life,
            MailKind.INVITATION: policy.invitation_life,
            **dict.fromkeys(NOTICES, NOT_ME_LIFE),
        }

    async def prepare(self, mail: OutboxMail) -> PreparedMail | None:
        """Return what to send; None where nobody is to get it any more, or its mailbox has had too many.

        Each try makes a new link, and the one before is void.
        """
        if mail.attempts == 0 and mail.kind != MailKind.INVITATION:  # those count when they are asked for
            asker = str(mail.data.get("asker", ""))
            is_home = bool(asker) and await self._is_home(mail, asker)
            if not await self._mailboxes.admit(mail.kind, _canonical(mail.address), asker, is_home=is_home):
                await self._drop(mail)
                return None
        return await self._prepare(mail)

    async def _is_home(self, mail: OutboxMail, asker: str) -> bool:
        """Whether the account of a mail is signed in to where the mail was asked for.

        Looked up now, so that asking takes as long for an account with many sessions as for none.
        """
        async with self._db.read() as tx:
            return await Sessions(tx).is_live_at(mail.user_id, asker, now=self._clock.now())

    @retry_conflicts
    async def _prepare(self, mail: OutboxMail) -> PreparedMail | None:
        async with self._db.begin() as tx:
            if not await Outbox(tx).has(mail):
                return None
            match MailKind(mail.kind):
                case MailKind.INVITATION:
                    return await self._invitation(tx, mail)
                case MailKind.SIGN_UP_TAKEN:  # of an earlier version, which looked this up at the sign-up
                    return await self._sign_up_taken(tx, mail)
                case MailKind.DELETION_PLANNED:
                    return await self._deletion_planned(tx, mail)
                case kind if kind in NOTICES:
                    return await self._notice(tx, mail)
                case kind:
                    return await self._asked_for(tx, kind, mail)

    @retry_conflicts
    async def _drop(self, mail: OutboxMail) -> None:
        """Let a mail that is not sent leave no token behind; an invitation keeps its own, under another name."""
        if "link_id" in mail.data:
            async with self._db.begin() as tx:
                await OneTimeTokens(tx).remove(int(mail.data["link_id"]))

    async def _asked_for(self, tx: Transaction, kind: MailKind, mail: OutboxMail) -> PreparedMail | None:
        """Make a mail ready that is nothing without its link."""
        tokens = OneTimeTokens(tx)
        row = await tokens.held(await self._link_id(tx, kind, mail))
        user = await Users(tx).get(row.user_id or 0) if row is not None else None
        if row is None:
            return None
        if row.purpose == Purpose.SIGN_UP:
            return await self._sign_up(tx, mail, row)
        if user is None and kind is MailKind.VERIFY_EMAIL:
            await tokens.remove(row.id)
            return await self._sign_up_again(tx, mail)
        is_asked_twice = "asker" in mail.data and mail.attempts == 0 and await tokens.asked_before(row, within=PAUSE)
        if user is None or is_asked_twice or not await self._is_due(tx, kind, row, user):
            await tokens.remove(row.id)
            return None
        context = await self._link(tx, kind, row.id)
        address = mail.address if kind is MailKind.CONFIRM_NEW_EMAIL else user.email
        return _ready(mail, user, context or {}, address=address)

    async def _is_due(self, tx: Transaction, kind: MailKind, row: OneTimeToken, user: User) -> bool:
        if user.disabled_at is not None:
            return False
        match kind:
            case MailKind.CONFIRM_NEW_EMAIL:
                # Its own in a spelling that another mailbox may have, such as ß for ss, is to be proved like any other.
                return await Users(tx).by_email(row.email_canonical) in (None, user)
            case MailKind.VERIFY_EMAIL:
                return user.email_verified_at is None and user.email_canonical == row.email_canonical
            case _:
                return user.email_canonical == row.email_canonical

    async def _notice(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Make a mail ready that tells what has happened, with its link if that is good still."""
        user = await Users(tx).get(mail.user_id or 0)
        if user is None:
            return None
        is_linked = "link_id" in mail.data and user.disabled_at is None
        link = await self._link(tx, MailKind(mail.kind), int(mail.data["link_id"])) if is_linked else None
        device = describe(str(mail.data.get("device", "")))
        context = {
            "device": "" if device == UNKNOWN else device,
            "address": mail.data.get("client_address", ""),
            "at": mail.created_at,
            "not_me_link": link["link"] if link is not None else None,
        }
        return _ready(mail, user, context, address=mail.address)

    async def _sign_up(self, tx: Transaction, mail: OutboxMail, row: OneTimeToken) -> PreparedMail | None:
        """Make the mail of a sign-up ready whose account is not made before its link is followed.

        It goes to the address of the sign-up, in that spelling: whoever asks again may have another mailbox.
        """
        if self._signup is not SignUp.OPEN:
            return None
        name = parse_wanted_name(row.data["username"])
        if any(await Users(tx).taken(username=name.canonical, email=row.email_canonical)):
            return await self._sign_up_taken(tx, mail)
        link = await self._link(tx, MailKind.VERIFY_EMAIL, row.id)
        # Whoever signs up has chosen the name, and it need not be who reads this.
        return PreparedMail(row.data["email"], mail.language, mail.kind, {"username": "", **(link or {})})

    async def _sign_up_again(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Renew the link of the latest sign-up of an address, unless it is new, or on its way."""
        now = self._clock.now()
        row = await OneTimeTokens(tx).latest(Purpose.SIGN_UP, email_canonical=_canonical(mail.address), now=now)
        if row is None or row.expires_at - self._lives[MailKind.VERIFY_EMAIL] > now - PAUSE:
            return None
        return await self._sign_up(tx, mail, row)

    async def _deletion_planned(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        user = await Users(tx).get(mail.user_id or 0)
        erase_at = datetime.fromisoformat(mail.data["erase_at"])
        if user is None or user.erase_at != erase_at:
            return None
        return _ready(mail, user, {"erase_at": erase_at, "link": f"{self._public_url}/sign-in"}, address=user.email)

    async def _sign_up_taken(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Tell the owner of an account that somebody wants one, or somebody without one that the name is taken."""
        template, link = MailKind.SIGN_UP_TAKEN.value, f"{self._public_url}/sign-in"
        user = await Users(tx).by_email(_canonical(mail.address))
        if user is not None and mail.user_id in (None, user.id) and user.disabled_at is None:
            told = _ready(mail, user, {"has_account": True, "link": link}, address=user.email)
            return replace(told, template=template)
        if user is None and mail.user_id is None and mail.data.get("what") != EmailTaken.code:
            context = {"username": "", "has_account": False, "link": link}
            return PreparedMail(mail.address, mail.language, template, context)
        return None

    async def _invitation(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        now, life = self._clock.now(), self._lives[MailKind.INVITATION]
        invitations, token = Invitations(tx), new_token()
        invitation = await invitations.get(mail.data.get("invitation_id", 0))
        if invitation is None or self._signup is SignUp.CLOSED:
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
            "link": self._address("/invitation", token),
            "expires_at": now + life,
        }
        return PreparedMail(mail.address, mail.language, mail.kind, context)

    async def _link(self, tx: Transaction, kind: MailKind, link_id: int) -> dict[str, Any] | None:
        renewed = await OneTimeTokens(tx).renew(link_id, now=self._clock.now(), life=self._lives[kind])
        if renewed is None:
            return None
        token, row = renewed
        address = self._address(PAGES[Purpose(row.purpose)], token)
        # The page asks for the password of the sign-up.
        link = f"{address}&sign-up" if row.purpose == Purpose.SIGN_UP else address
        return {"link": link, "expires_at": row.expires_at}

    def _address(self, page: str, token: str) -> str:
        # In the fragment, which browsers send to nobody and which no log has.
        return f"{self._public_url}{page}#token={token}"

    async def _link_id(self, tx: Transaction, kind: MailKind, mail: OutboxMail) -> int:
        """Return the token of a mail; one that was asked for before tokens were made with their mail gets it now.

        That is harmless for what goes to the address of an account as it is, since anybody may ask for it at any time.
        """
        if "link_id" in mail.data:
            return int(mail.data["link_id"])
        email = _canonical(mail.address)
        user = await Users(tx).by_email(email) if kind is not MailKind.CONFIRM_NEW_EMAIL else None
        is_same = user is not None and mail.user_id in (None, user.id)
        return await OneTimeTokens(tx).ask(
            LINK_OF[kind],
            user_id=user.id if user is not None and is_same else None,
            email_canonical=email,
            now=mail.created_at,
        )


def _canonical(address: str) -> str:
    try:
        return read_email(address).canonical
    except ValueError:  # an account that has lost its address
        return address


def _ready(mail: OutboxMail, user: User, context: dict[str, Any], *, address: str) -> PreparedMail:
    """Return a mail to somebody who has an account.

    Their name is told only where the account has proved that the address is theirs. Else whoever made the account
    has chosen it, or it is the name of somebody else by now.
    """
    is_theirs = address == user.email and user.email_verified_at is not None
    username = user.username if is_theirs or mail.kind == MailKind.SET_PASSWORD else ""
    return PreparedMail(address, user.language, mail.kind, {"username": username, **context})
