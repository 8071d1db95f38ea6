"""Sign-ups that wait for their address to be proved: no account is made before, and none can be found out about."""

from collections.abc import Sequence

from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.errors import (
    EmailTaken,
    LinkInvalid,
    ProofRequired,
    UsernameTaken,
    WrongSignUpPassword,
)
from gatepost.identity.accounts.names import parse_wanted_name, read_email
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Roles, Users
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.factors.methods import Method
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.identity.registration.service import AccountService, NewAccount, username_of
from gatepost.identity.throttling.counters import Counter, turn_of
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.throttling.mailboxes import asker
from gatepost.mail.languages import choose
from gatepost.mail.outbox import MailKind, enqueue


class PendingSignUps:
    """Keeps what a sign-up asks for, and makes its account when the mail's link is followed.

    To keep one is the same work for every name and address. What is taken is looked up when the mail is sent.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        accounts: AccountService,
        passwords: Passwords,
        guesses: Guesses,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._accounts = accounts
        self._passwords = passwords
        self._guesses = guesses
        self._policy = policy

    async def keep(self, tx: Transaction, new: NewAccount, password_hash: str, *, info: RequestInfo) -> None:
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
            language=choose(info.language, default=self._policy.default_language),
            at=now,
            data={"link_id": link_id, "asker": asker(info)},
        )

    async def confirm(self, token: str, password: str | None, *, info: RequestInfo) -> bool:
        """Make the account of a sign-up, given the token of its mail; False where the token is not one of a sign-up.

        The token shows that the mailbox is theirs who follow the link, and the password that the sign-up is: anybody
        can sign up with anybody's address. A wrong password leaves the link good, and is counted.

        Raises:
            ProofRequired: no password is given.
            WrongSignUpPassword: it is not that of the sign-up.
            TooManyAttempts: it was wrong too often.
            LinkInvalid: somebody has used the token at the same moment.
            SignUpClosed, InvitationRequired: sign-up has been closed since.
            UsernameTaken, EmailTaken: another account has the name or the address by now.
            HashingBusy: too many people are signing in.
        """
        async with self._db.read() as tx:
            pending = await OneTimeTokens(tx).peek(Purpose.SIGN_UP, token, now=self._clock.now())
            if pending is None:
                return False
            if password is None:
                raise ProofRequired([Method.PASSWORD])
            counters = self._guesses.of_sign_up(pending.id)
            await self._guesses.check(tx, counters)
        whose = turn_of(info, f"sign-up {pending.id}")
        verdict = await self._passwords.verify(password, pending.data["password_hash"], asker=whose)
        if not verdict.is_right:
            await self._count_wrong(counters, info=info)
            raise WrongSignUpPassword
        await self._complete(token, counters, info=info)
        return True

    async def refuse(self, tx: Transaction, token: str) -> bool:
        """End a sign-up, given the token of its mail; False where the token is not one of a sign-up."""
        pending = await OneTimeTokens(tx).use(Purpose.SIGN_UP, token, now=self._clock.now())
        if pending is None:
            return False
        pending.data = {}
        return True

    @retry_conflicts
    async def _count_wrong(self, counters: Sequence[Counter], *, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            await self._guesses.record_failure(tx, counters, info=info)

    @retry_conflicts
    async def _complete(self, token: str, counters: Sequence[Counter], *, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            await self._guesses.check(tx, counters, held=True)
            pending = await OneTimeTokens(tx).use(Purpose.SIGN_UP, token, now=self._clock.now())
            if pending is None:
                raise LinkInvalid
            await self._make(tx, pending, info=info)

    async def _make(self, tx: Transaction, pending: OneTimeToken, *, info: RequestInfo) -> None:
        self._policy.require_sign_up(is_invited=False)
        data = pending.data
        email = read_email(data["email"])
        username = username_of(parse_wanted_name(data["username"]), email=email)
        new = NewAccount(username, email, password="", is_verified=True)
        has_username, has_email = await Users(tx).taken(username=username.canonical, email=email.canonical)
        if has_username or has_email:
            raise UsernameTaken if has_username else EmailTaken
        roles = await Roles(tx).given([RoleName.USER])
        await self._accounts.add(tx, new, data["password_hash"], roles=roles, info=info)
        # The hash lies with the account from now on, and nowhere else.
        pending.data = {}
