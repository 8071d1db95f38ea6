"""Sign-ups that wait for their address to be proved: no account is made before, and none can be found out about."""

from gatepost.access.principal import RoleName
from gatepost.accounts.errors import EmailTaken, UsernameTaken
from gatepost.accounts.models import OneTimeToken
from gatepost.accounts.names import parse_username, read_email
from gatepost.accounts.one_time_tokens import OneTimeTokens, Purpose
from gatepost.accounts.policy import AccountPolicy
from gatepost.accounts.repository import Roles, Users
from gatepost.accounts.service import AccountService, NewAccount
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Transaction
from gatepost.limits.mailboxes import asker
from gatepost.mail.languages import choose
from gatepost.mail.outbox import MailKind, enqueue


class PendingSignUps:
    """Keeps what a sign-up asks for, and makes its account when the mail's link is followed.

    To keep one is the same work for every name and address. What is taken is looked up when the mail is sent.
    """

    def __init__(self, clock: Clock, accounts: AccountService, *, policy: AccountPolicy) -> None:
        self._clock = clock
        self._accounts = accounts
        self._policy = policy

    async def keep(self, tx: Transaction, new: NewAccount, password_hash: str, *, client: Client) -> None:
        """Keep a sign-up, and write to its address."""
        now = self._clock.now()
        link_id = await OneTimeTokens(tx).ask(
            Purpose.SIGN_UP,
            user_id=None,
            email_canonical=new.email.canonical,
            now=now,
            data={"username": new.username.display, "email": new.email.display, "password_hash": password_hash},
        )
        enqueue(
            tx,
            MailKind.VERIFY_EMAIL,
            address=new.email.display,
            language=choose(client.language, default=self._policy.default_language),
            at=now,
            data={"link_id": link_id, "asker": asker(client)},
        )

    async def complete(self, tx: Transaction, pending: OneTimeToken, *, client: Client) -> None:
        """Make the account of a sign-up whose link has been used in this transaction.

        Raises:
            SignUpClosed, SignUpByInvitation: sign-up has been closed meanwhile.
            UsernameTaken, EmailTaken: another account has got it meanwhile.
        """
        self._policy.require_sign_up(is_invited=False)
        data = pending.data
        new = NewAccount(parse_username(data["username"]), read_email(data["email"]), password="", is_proved=True)
        username, email = await Users(tx).taken(username=new.username.canonical, email=new.email.canonical)
        if username or email:
            raise UsernameTaken if username else EmailTaken
        roles = await Roles(tx).given([RoleName.USER])
        await self._accounts.add(tx, new, data["password_hash"], roles=roles, client=client)
        # The hash lies with the account from now on, and nowhere else.
        pending.data = {}
