"""Signing up: at once, by invitation, or by a mail that tells how to go on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError

from gatepost.access.principal import RoleName
from gatepost.accounts.errors import (
    EmailTaken,
    RoleNotGrantable,
    SignUpByInvitation,
    SignUpClosed,
    UsernameTaken,
)
from gatepost.accounts.password_rules import PasswordRules
from gatepost.accounts.policy import AccountPolicy
from gatepost.accounts.repository import Roles
from gatepost.accounts.service import AccountService, NewAccount
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, retry_conflicts
from gatepost.core.passwords import Passwords
from gatepost.core.settings import EmailVerification, SignUp
from gatepost.invitations.acceptance import accept, find
from gatepost.mail.languages import choose
from gatepost.mail.outbox import MailKind, enqueue
from gatepost.sessions.tokens import SignedIn, TokenService

PASSWORD_METHOD = "pwd"  # noqa: S105  RFC 8176's name of the method


@dataclass(frozen=True, slots=True)
class SignUpWish:
    """What a sign-up asks for."""

    account: NewAccount
    roles: Sequence[str]
    invitation: str | None


class SignUpService:
    """Makes accounts for people who come by themselves."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        tokens: TokenService,
        accounts: AccountService,
        *,
        rules: PasswordRules,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._tokens = tokens
        self._accounts = accounts
        self._rules = rules
        self._policy = policy

    async def sign_up(self, wish: SignUpWish, *, client: Client) -> SignedIn | None:
        """Make an account, and sign it in; None where a mail tells how to go on.

        Raises:
            SignUpClosed, SignUpByInvitation, InvitationUnusable: this person may not sign up.
            UnknownRole, RoleNotGrantable: more than the role `user` was asked for.
            RolesTooLong: the roles of the invitation have grown too long for an access token.
            UsernameTaken, EmailTaken: another account has it, where the deployment tells.
            UnusablePassword: the password breaks a rule.
            HashingBusy: too many people are signing in.
        """
        await self._check_invitation(wish)
        await self._check_roles(wish.roles)
        self._rules.check(wish.account.password, names=wish.account.names)
        if self._policy.reveals_taken:
            await self._accounts.refuse_taken(wish.account)
        password_hash = await self._passwords.hash(wish.account.password)
        try:
            return await self._make(wish, password_hash, client=client)
        except IntegrityError:
            if not await self._answer_taken(wish.account, client=client):
                raise
            return None

    @retry_conflicts
    async def _make(self, wish: SignUpWish, password_hash: str, *, client: Client) -> SignedIn | None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            account, accepted = wish.account, None
            if wish.invitation is None:
                roles = await Roles(tx).given([RoleName.USER])
            else:
                accepted, roles = await accept(tx, wish.invitation, email=account.email, now=now)
                account = replace(account, is_proved=True)
            user = await self._accounts.add(tx, account, password_hash, roles=roles, client=client)
            if accepted is not None:
                details = {"invitation": accepted}
                record(tx, AuditEvent.INVITATION_ACCEPTED, at=now, user_id=user.id, client=client, details=details)
            elif self._policy.verification is not EmailVerification.OFF:
                enqueue(tx, MailKind.VERIFY_EMAIL, address=user.email, language=user.language, at=now, user_id=user.id)
            if not (account.is_proved or self._policy.signs_in_at_once):
                return None
            session = await self._tokens.open_session(tx, user, client=client, amr=PASSWORD_METHOD, now=now)
        return self._tokens.issue(user, session, now=now)

    async def _answer_taken(self, new: NewAccount, *, client: Client) -> bool:
        """Say what is taken, or write to the address where nobody may learn that from the answer.

        False where nothing is taken any more.

        Raises:
            UsernameTaken, EmailTaken: where the deployment tells.
        """
        try:
            await self._accounts.refuse_taken(new)
        except (UsernameTaken, EmailTaken) as error:
            if self._policy.reveals_taken:
                raise
            await self._write_taken(new, what=error.code, client=client)
            return True
        return False

    @retry_conflicts
    async def _write_taken(self, new: NewAccount, *, what: str, client: Client) -> None:
        async with self._db.begin() as tx:
            enqueue(
                tx,
                MailKind.SIGN_UP_TAKEN,
                address=new.email.display,
                language=choose(client.language, default=self._policy.default_language),
                at=self._clock.now(),
                data={"what": what},
            )

    async def _check_invitation(self, wish: SignUpWish) -> None:
        if self._policy.signup is SignUp.CLOSED:
            raise SignUpClosed
        if wish.invitation is None:
            if self._policy.signup is SignUp.INVITE:
                raise SignUpByInvitation
            return
        async with self._db.read() as tx:
            await find(tx, wish.invitation, email=wish.account.email, now=self._clock.now())

    async def _check_roles(self, roles: Sequence[str]) -> None:
        wished = set(roles) - {RoleName.USER}
        if not wished:
            return
        async with self._db.read() as tx:
            await Roles(tx).given(wished)
        raise RoleNotGrantable
