"""Signing in with a password."""

from enum import StrEnum

from gatepost.accounts.errors import AccountDisabled, EmailUnverified
from gatepost.accounts.models import User
from gatepost.accounts.names import canonical_identifier
from gatepost.accounts.policy import AccountPolicy
from gatepost.accounts.repository import Users
from gatepost.accounts.sign_up import PASSWORD_METHOD
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, retry_conflicts
from gatepost.core.errors import AppError
from gatepost.core.logs.context import Act, note_act
from gatepost.core.passwords import Passwords
from gatepost.core.settings import EmailVerification
from gatepost.mail.outbox import MailKind, enqueue
from gatepost.sessions.devices import describe
from gatepost.sessions.repository import Sessions
from gatepost.sessions.tokens import SignedIn, TokenService
from gatepost.signin.errors import InvalidCredentials


class Refusal(StrEnum):
    """Why a sign-in was refused, in the audit log."""

    UNKNOWN_ACCOUNT = "unknown_account"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  a reason, not a password
    DISABLED = "disabled"
    UNVERIFIED = "unverified"
    ACCOUNT_CHANGED = "account_changed"


ANSWERS: dict[Refusal, type[AppError]] = {
    Refusal.UNKNOWN_ACCOUNT: InvalidCredentials,
    Refusal.WRONG_PASSWORD: InvalidCredentials,
    Refusal.DISABLED: AccountDisabled,
    Refusal.UNVERIFIED: EmailUnverified,
    Refusal.ACCOUNT_CHANGED: InvalidCredentials,
}

# A password, or its hash, may be replaced between reading it and signing in; then it is read once more.
READINGS = 2


class SignInService:
    """Checks credentials and opens sessions."""

    def __init__(
        self, database: Database, clock: Clock, passwords: Passwords, tokens: TokenService, *, policy: AccountPolicy
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._tokens = tokens
        self._policy = policy

    async def with_password(self, identifier: str, password: str, *, client: Client) -> SignedIn:
        """Sign in with a user name or an e-mail address; an unknown one costs the same work as a wrong password.

        Raises:
            InvalidCredentials: no account has this name with this password.
            AccountDisabled, EmailUnverified: they are right, and the account may not sign in.
            HashingBusy: too many people are signing in.
        """
        note_act(Act.SIGN_IN)
        refusal: Refusal | None = None
        for _ in range(READINGS):
            user = await self._find(identifier)
            verdict = await self._passwords.verify(password, user.password_hash if user else None)
            refusal = self._refusal(user, is_right=verdict.is_right)
            if user is None or refusal is not None:
                break
            better_hash = await self._passwords.hash(password) if verdict.needs_rehash else None
            signed_in = await self._open(user, better_hash=better_hash, client=client)
            if signed_in is not None:
                return signed_in
        refusal = refusal or Refusal.ACCOUNT_CHANGED
        await self._remember(refusal, user, client=client)
        raise ANSWERS[refusal]

    def _refusal(self, user: User | None, *, is_right: bool) -> Refusal | None:
        if user is None:
            return Refusal.UNKNOWN_ACCOUNT
        if not is_right:
            return Refusal.WRONG_PASSWORD
        if user.disabled_at is not None:
            return Refusal.DISABLED
        if self._policy.verification is EmailVerification.REQUIRED and user.email_verified_at is None:
            return Refusal.UNVERIFIED
        return None

    @retry_conflicts
    async def _remember(self, refusal: Refusal, user: User | None, *, client: Client) -> None:
        """Write that a sign-in was refused; what was typed as a name may be a password, and is kept nowhere."""
        async with self._db.begin() as tx:
            record(
                tx, AuditEvent.SIGN_IN_FAILED, at=self._clock.now(), user_id=user.id if user else None,
                client=client, details={"reason": refusal.value},
            )  # fmt: skip

    async def _find(self, identifier: str) -> User | None:
        match canonical_identifier(identifier):
            case "username", canonical:
                async with self._db.read() as tx:
                    return await Users(tx).by_username(canonical)
            case "email", canonical:
                async with self._db.read() as tx:
                    return await Users(tx).by_email(canonical)
            case _:
                return None

    @retry_conflicts
    async def _open(self, user: User, *, better_hash: str | None, client: Client) -> SignedIn | None:
        """Open a session, unless the account has changed since its password was checked."""
        now = self._clock.now()
        async with self._db.begin() as tx:
            users = Users(tx)
            to_change = better_hash is not None
            held = await users.hold(user.id, password_hash=user.password_hash, to_change=to_change)
            if held is None:
                return None
            if better_hash is not None:
                await users.replace_hash(user.id, old=user.password_hash, new=better_hash, now=now)
                record(tx, AuditEvent.PASSWORD_REHASHED, at=now, user_id=user.id, client=client)
            if held.erase_at is not None:
                await users.keep(held.id, now=now)
                record(tx, AuditEvent.DELETION_TAKEN_BACK, at=now, user_id=held.id, client=client)
            is_new_device = await Sessions(tx).lacks_device(held.id, describe(client.user_agent))
            session = await self._tokens.open_session(tx, held, client=client, amr=PASSWORD_METHOD, now=now)
            if is_new_device:
                enqueue(
                    tx,
                    MailKind.NEW_DEVICE,
                    address=held.email,
                    language=held.language,
                    at=now,
                    user_id=held.id,
                    data={"device": client.user_agent, "client_address": client.address, "session_id": session.id},
                )
        return self._tokens.issue(held, session, now=now)
