"""Making accounts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH, Passwords
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.errors import FieldProblem
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.errors import EmailTaken, UsernameInvalid, UsernameTaken
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.accounts.names import Name, is_address, settle_name
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Roles, Users
from gatepost.identity.accounts.rights import require_fit
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.credentials.password_rules import PasswordRules
from gatepost.identity.registration.usernames import suggestions
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.mail.languages import choose


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account is made from; `is_verified` where a mail link has shown that the address is theirs.

    A user name with an @ is the address itself (`username_of`).
    """

    username: Name
    email: Name
    password: str = field(repr=False)
    is_verified: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """What a password must not be like."""
        return self.username.display, self.email.display

    def verified_as(self, email: Name) -> Self:
        """Return it with the spelling of the address that was proved; a name that is the address has that one too."""
        username = email if is_address(self.username) else self.username
        return replace(self, username=username, email=email, is_verified=True)


class AccountService:
    """Makes accounts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        feed: RevocationFeed,
        *,
        rules: PasswordRules,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._feed = feed
        self._rules = rules
        self._policy = policy

    async def create(self, new: NewAccount, *, roles: Sequence[str]) -> User:
        """Make an account with these roles, as an operator does.

        Raises:
            UnknownRole: a role does not exist.
            UsernameTaken, EmailTaken: another account has it.
            PasswordNotAllowed: the password breaks a rule.
        """
        await self.refuse_taken(new)
        self._rules.check(new.password, names=new.names)
        password_hash = await self._passwords.hash(new.password)
        try:
            return await self._create(new, password_hash, roles=roles)
        except IntegrityError:
            await self.refuse_taken(new)
            raise

    async def add(
        self, tx: Transaction, new: NewAccount, password_hash: str, *, roles: Sequence[Role], info: RequestInfo | None
    ) -> User:
        """Insert an account in the caller's transaction; its roles are kept as they are, since its tokens tell them.

        Raises:
            RolesTooLong: the roles do not fit into an access token.
            IntegrityError: the name or the address is taken.
        """
        user = User.new(
            new.username,
            new.email,
            password_hash=password_hash,
            language=choose(info.language if info else "", default=self._policy.default_language),
            roles=roles,
            is_verified=new.is_verified,
            now=self._clock.now(),
        )
        await self.insert(tx, user, info=info)
        return user

    async def add_proved(
        self,
        tx: Transaction,
        email: Name,
        *,
        hint: str | None,
        info: RequestInfo,
        invited_to: Sequence[Role] | None = None,
    ) -> User:
        """Make the account of somebody who has proved an address and gave no password, in the caller's transaction.

        The user name is made from `hint`, or from the address, and can be changed. The role is that of every sign-up,
        or those that an invitation gives.

        Raises:
            SignUpClosed, InvitationRequired: nobody may sign up so.
            IntegrityError: the address has an account, or somebody has taken the name at this moment.
        """
        self._policy.require_sign_up(is_invited=invited_to is not None)
        username = await self._free_name(tx, hint, email)
        new = NewAccount(username, email, password="", is_verified=True)
        roles = await Roles(tx).given([RoleName.USER]) if invited_to is None else invited_to
        return await self.add(tx, new, UNUSABLE_HASH, roles=roles, info=info)

    async def insert(self, tx: Transaction, user: User, *, info: RequestInfo | None, **said: Any) -> None:
        """Insert an account that is ready, and record it; `said` is what the record tells besides.

        Raises:
            RolesTooLong: its roles do not fit into an access token.
            IntegrityError: the name or the address is taken.
        """
        require_fit(user.roles)
        await Users(tx).add(user)
        await self._feed.announce(tx, [user])
        record(tx, AuditEvent.ACCOUNT_CREATED, at=user.created_at, user_id=user.id, info=info, **said)

    async def refuse_taken(self, new: NewAccount) -> None:
        """Let names pass that no account has.

        Raises:
            UsernameTaken, EmailTaken: another account has it.
        """
        async with self._db.read() as tx:
            username, email = await Users(tx).taken(username=new.username.canonical, email=new.email.canonical)
        if username:
            raise username_taken()
        if email:
            raise EmailTaken(fields=[FieldProblem("email", EmailTaken.code, EmailTaken.message)])

    async def _free_name(self, tx: Transaction, hint: str | None, email: Name) -> Name:
        """Return a user name that no account has, as of now."""
        for name in suggestions(hint, email.display):
            is_taken, _ = await Users(tx).taken(username=name.canonical, email=email.canonical)
            if not is_taken:
                break
        return name

    @retry_conflicts
    async def _create(self, new: NewAccount, password_hash: str, *, roles: Sequence[str]) -> User:
        async with self._db.begin() as tx:
            return await self.add(tx, new, password_hash, roles=await Roles(tx).given(roles), info=None)


def username_of(wanted: Name, *, email: Name) -> Name:
    """Return the user name that the account with an address gets: what was wanted, or the address itself.

    Raises:
        UsernameInvalid: it is another address.
    """
    try:
        return settle_name(wanted, email=email)
    except ValueError:
        problem = FieldProblem("username", UsernameInvalid.code, UsernameInvalid.message)
        raise UsernameInvalid(fields=[problem]) from None


def username_taken() -> UsernameTaken:
    """Return the refusal of a name, with its field."""
    return UsernameTaken(fields=[FieldProblem("username", UsernameTaken.code, UsernameTaken.message)])
