"""Registration, and the profile."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from gatepost.access.principal import Principal, RoleName
from gatepost.accounts.errors import (
    EmailTaken,
    RoleNotGrantable,
    UnknownRole,
    UnusablePassword,
    UsernameTaken,
    UserNotFound,
)
from gatepost.accounts.models import Role, User
from gatepost.accounts.names import Name
from gatepost.accounts.repository import Roles, Users
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, retry_conflicts
from gatepost.core.errors import FieldProblem
from gatepost.core.passwords import Passwords, UnusablePasswordError, prepare
from gatepost.sessions.tokens import SignedIn, TokenService

PASSWORD_METHOD = "pwd"  # noqa: S105  RFC 8176's name of the method


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account is made from."""

    username: Name
    email: Name
    password: str = field(repr=False)


class AccountService:
    """Makes accounts and shows them to their owners."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        tokens: TokenService,
        *,
        shortest_password: int,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._tokens = tokens
        self._shortest_password = shortest_password

    async def sign_up(self, new: NewAccount, *, roles: Sequence[str], client: Client) -> SignedIn:
        """Make an account with the role `user`, and sign it in.

        Raises:
            UnknownRole, RoleNotGrantable: more than the role `user` was asked for.
            UsernameTaken, EmailTaken: another account has it.
            UnusablePassword: the password breaks a rule.
            HashingBusy: too many people are signing in.
        """
        await self._check_wished(roles)
        password_hash = await self._hash(new)
        try:
            return await self._sign_up(new, password_hash, client=client)
        except IntegrityError:
            await self._refuse_taken(new)
            raise

    async def create(self, new: NewAccount, *, roles: Sequence[str]) -> User:
        """Make an account with these roles, as an operator does.

        Raises:
            UnknownRole, UsernameTaken, EmailTaken, UnusablePassword: as for sign-up.
        """
        password_hash = await self._hash(new)
        try:
            return await self._create(new, password_hash, roles=roles)
        except IntegrityError:
            await self._refuse_taken(new)
            raise

    async def profile(self, principal: Principal) -> User:
        """Return the account of the caller.

        Raises:
            UserNotFound: it has been deleted a moment ago.
        """
        async with self._db.read() as tx:
            user = await Users(tx).get(principal.user_id)
        if user is None:
            raise UserNotFound
        return user

    @retry_conflicts
    async def _sign_up(self, new: NewAccount, password_hash: str, *, client: Client) -> SignedIn:
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await self._insert(tx, new, password_hash, roles=[RoleName.USER], client=client)
            session = await self._tokens.open_session(tx, user, client=client, amr=PASSWORD_METHOD, now=now)
        return self._tokens.issue(user, session, now=now)

    @retry_conflicts
    async def _create(self, new: NewAccount, password_hash: str, *, roles: Sequence[str]) -> User:
        async with self._db.begin() as tx:
            return await self._insert(tx, new, password_hash, roles=roles, client=None)

    async def _insert(
        self,
        tx: Transaction,
        new: NewAccount,
        password_hash: str,
        *,
        roles: Sequence[str],
        client: Client | None,
    ) -> User:
        now = self._clock.now()
        user = await Users(tx).add(
            User(
                username=new.username.display,
                username_canonical=new.username.canonical,
                email=new.email.display,
                email_canonical=new.email.canonical,
                password_hash=password_hash,
                token_version=0,
                created_at=now,
                updated_at=now,
                roles=list(await self._named(tx, roles)),
            )
        )
        record(tx, AuditEvent.ACCOUNT_CREATED, at=now, user_id=user.id, client=client)
        return user

    async def _hash(self, new: NewAccount) -> str:
        await self._refuse_taken(new)
        self._check_password(new.password)
        return await self._passwords.hash(new.password)

    async def _refuse_taken(self, new: NewAccount) -> None:
        async with self._db.read() as tx:
            username, email = await Users(tx).taken(username=new.username.canonical, email=new.email.canonical)
        if username:
            raise UsernameTaken(fields=[FieldProblem("username", UsernameTaken.code, UsernameTaken.message)])
        if email:
            raise EmailTaken(fields=[FieldProblem("email", EmailTaken.code, EmailTaken.message)])

    def _check_password(self, password: str) -> None:
        try:
            length = len(prepare(password))
        except UnusablePasswordError as error:
            raise _unusable(f"The password cannot be used: {error}.") from error
        if length < self._shortest_password:
            raise _unusable(f"The password needs at least {self._shortest_password} characters.")

    async def _check_wished(self, roles: Sequence[str]) -> None:
        wished = set(roles) - {RoleName.USER}
        if not wished:
            return
        async with self._db.read() as tx:
            await self._named(tx, sorted(wished))
        raise RoleNotGrantable

    async def _named(self, tx: Transaction, names: Sequence[str]) -> Sequence[Role]:
        roles = await Roles(tx).named(names)
        missing = [name for name in names if name not in {role.name for role in roles}]
        if missing:
            raise UnknownRole(f"Failed! Role does not exist = {missing[0]}")
        return roles


def _unusable(message: str) -> UnusablePassword:
    return UnusablePassword(message, fields=[FieldProblem("password", UnusablePassword.code, message)])
