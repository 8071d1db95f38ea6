"""Signing in with a password."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gatepost.audit.log import AuditEvent, record
from gatepost.audit.repetitions import record_once_a_day
from gatepost.core.clock import Clock
from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.crypto.turns import Asker
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.errors import AppError
from gatepost.core.logs.context import Act, note_act
from gatepost.core.request_info import RequestInfo, network
from gatepost.core.settings import EmailVerification
from gatepost.flows.signin.errors import InvalidCredentials
from gatepost.identity.accounts.errors import AccountDisabled, EmailUnverified
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import canonical_identifier
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Users
from gatepost.identity.credentials.methods import PASSWORD_METHOD
from gatepost.identity.links.mails import write
from gatepost.identity.sessions.devices import describe
from gatepost.identity.sessions.handout import SignedIn
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.repository import IS_STRANGE, Sessions
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.sessions.tokens import REPLACED, TokenService
from gatepost.identity.throttling.counters import Counter, counted_name, turn_of
from gatepost.identity.throttling.devices import UNKNOWN_DEVICE, Device
from gatepost.identity.throttling.guesses import ANY_COUNTED, GUESS_COLUMNS, Guesses
from gatepost.identity.throttling.rates import Rate, RateLimits
from gatepost.mail.outbox import MailKind


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

RIGHT_PASSWORD = (Refusal.DISABLED, Refusal.UNVERIFIED)

# What a sign-in has to know besides the account.
SIGN_IN_COLUMNS = (IS_STRANGE, *GUESS_COLUMNS)

# Whoever made an account is not told of their first sign-in.
NEW_FOR = timedelta(days=1)

# A password, or its hash, may be replaced between reading it and signing in; then it is read once more.
READINGS = 2


@dataclass(frozen=True, slots=True)
class Opening:
    """What opening a session has to know besides its account."""

    counters: Sequence[Counter]
    info: RequestInfo
    is_new_device: bool
    replaces: Collection[int]


class SignInService:
    """Checks credentials and opens sessions."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        tokens: TokenService,
        sessions: SessionService,
        guesses: Guesses,
        rates: RateLimits,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._tokens = tokens
        self._sessions = sessions
        self._guesses = guesses
        self._rates = rates
        self._policy = policy

    async def with_password(
        self,
        identifier: str,
        password: str,
        *,
        info: RequestInfo,
        device: Device = UNKNOWN_DEVICE,
        replaces: Collection[int] = (),
    ) -> SignedIn:
        """Sign in with a user name or an e-mail address; an unknown one costs the same work as a wrong password.

        Sessions whose ids are in `replaces`, of whatever account, end with it.

        Raises:
            TooManyAttempts: whoever this is has guessed wrong too often; whether the password is right is not told.
            TooManyRequests: the account has been signed in to too often of late.
            InvalidCredentials: no account has this name with this password.
            AccountDisabled, EmailUnverified: they are right, and the account may not sign in.
            HashingBusy: too many people are signing in.
        """
        note_act(Act.SIGN_IN)
        refusal: Refusal | None = None
        name = canonical_identifier(identifier)
        counted = counted_name(identifier, name)
        for _ in range(READINGS):
            user, counters, is_new_device = await self._find(name, counted, info=info, device=device)
            # A name that nobody has waits in its own turn, too: whose turn it is tells nothing. Those who guess it are
            # not in the turn of its owner's device.
            is_known = user is not None and device.belongs_to(user)
            whose = turn_of(info, f"{counted} known" if is_known else counted)
            # Looked up for a name that nobody has, too, which costs the time that it takes to ask Redis.
            await self._rates.require_room(Rate.SIGN_IN, str(user.id) if user is not None else "nobody")
            verdict = await self._passwords.verify(password, user.password_hash if user else None, asker=whose)
            refusal = self._refusal(user, is_right=verdict.is_right)
            if user is None or refusal is not None:
                break
            opening = Opening(counters, info, is_new_device=is_new_device, replaces=replaces)
            signed_in = await self._open_at_once(user, opening) or await self._open_held(user, opening)
            if signed_in is not None:
                await self._rates.hit(Rate.SIGN_IN, str(user.id))
                if verdict.needs_rehash:
                    await self._improve_hash(user, password, asker=whose, info=info)
                return signed_in
        refusal = refusal or Refusal.ACCOUNT_CHANGED
        await self._remember(refusal, user, counters, info=info)
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
    async def _remember(
        self, refusal: Refusal, user: User | None, counters: Sequence[Counter], *, info: RequestInfo
    ) -> None:
        """Write that a sign-in was refused; what was typed as a name may be a password, and is kept nowhere."""
        told: dict[str, Any] = {
            "at": self._clock.now(),
            "user_id": user.id if user else None,
            "info": info,
            "details": {"reason": refusal.value},
        }
        async with self._db.begin() as tx:
            if refusal in RIGHT_PASSWORD:
                await self._guesses.check(tx, counters, held=True)
                # No guess that is counted: nothing else would end it.
                await record_once_a_day(tx, AuditEvent.SIGN_IN_FAILED, **told)
            else:
                await self._guesses.record_failure(tx, counters, info=info, user_id=told["user_id"])
                record(tx, AuditEvent.SIGN_IN_FAILED, **told)

    async def _find(
        self, name: tuple[str, str] | None, counted: str, *, info: RequestInfo, device: Device
    ) -> tuple[User | None, Sequence[Counter], bool]:
        """Return the account, what a guess for it counts on, and whether its owner is to be told of the device.

        A device is known by its token. Without one it is known by where it is and what it calls itself, which anybody
        can copy, but not from elsewhere. Once its owner has disowned a session, a token alone is not enough: the thief
        may have kept one.
        """
        attempt = self._guesses.attempt(counted, info=info, device=device)
        values = {
            "device": describe(info.user_agent),
            "new_since": self._clock.now() - NEW_FOR,
            **attempt.values(),
        }
        async with self._db.read() as tx:
            user, (is_strange, *beside) = await Users(tx).named(name, SIGN_IN_COLUMNS, values)
        is_known = user is not None and device.belongs_to(user) and user.disowned_at is None
        return user, self._guesses.admit(attempt, user, beside), bool(is_strange) and not is_known

    async def _improve_hash(self, user: User, password: str, *, asker: Asker, info: RequestInfo) -> None:
        """Replace the hash of an earlier system; after the sign-in, so that its time tells nothing before a verdict."""
        with suppress(HashingBusy):  # the next sign-in does it
            await self._replace_hash(user, await self._passwords.hash(password, asker=asker), info=info)

    @retry_conflicts
    async def _replace_hash(self, user: User, better_hash: str, *, info: RequestInfo) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            if await Users(tx).replace_hash(user.id, old=user.password_hash, new=better_hash, now=now):
                record(tx, AuditEvent.PASSWORD_REHASHED, at=now, user_id=user.id, info=info)

    @retry_conflicts
    async def _open_at_once(self, user: User, opening: Opening) -> SignedIn | None:
        """Open a session where nothing has changed and nobody has guessed: nearly always, and in one statement."""
        now, info = self._clock.now(), opening.info
        counted = self._guesses.guard_params(opening.counters, user, info=info)
        async with self._db.begin() as tx:
            session = await self._tokens.open_if_unchanged(
                tx, user, info=info, amr=PASSWORD_METHOD, now=now, unless=ANY_COUNTED, values=counted
            )
            if session is None:
                return None
            await self._complete(tx, user, session, opening)
        return self._tokens.issue(user, session, now=now)

    @retry_conflicts
    async def _open_held(self, user: User, opening: Opening) -> SignedIn | None:
        """Open a session in steps, each under its lock: what has changed is read, what was guessed is looked at.

        None where the account has changed since its password was checked.
        """
        now, info = self._clock.now(), opening.info
        async with self._db.begin() as tx:
            users = Users(tx)
            held = await users.lock_unchanged(user.id, password_hash=user.password_hash)
            if held is None or self._refusal(held, is_right=True) is not None:
                return None
            await self._guesses.record_success(tx, opening.counters, held, info=info)
            if held.erase_at is not None:
                await users.cancel_deletion(held.id, now=now)
                record(tx, AuditEvent.DELETION_TAKEN_BACK, at=now, user_id=held.id, info=info)
            session = await self._tokens.open_session(tx, held, info=info, amr=PASSWORD_METHOD, now=now)
            await self._complete(tx, held, session, opening)
        return self._tokens.issue(held, session, now=now)

    async def _complete(self, tx: Transaction, user: User, session: Session, opening: Opening) -> None:
        """Do what goes with a new session: end those that it replaces, tell the owner of a new device."""
        if opening.replaces:
            await self._sessions.end_named(tx, opening.replaces, reason=REPLACED, info=opening.info)
            # Where many of an account have ended, one more makes its access tokens stale: not the one of this session.
            await Users(tx).reread_token_version(user)
        if opening.is_new_device:
            await _tell_owner(tx, user, session, info=opening.info)


async def _tell_owner(tx: Transaction, user: User, session: Session, *, info: RequestInfo) -> None:
    """Write of a new device, unless one like it was in the same network: an IPv6 address seldom stays."""
    known = await Sessions(tx).addresses_of(user.id, session.device, but=session.id)
    if network(info.address) in map(network, known):
        return
    await write(
        tx,
        MailKind.NEW_DEVICE,
        user,
        at=session.created_at,
        data={"device": info.user_agent, "client_address": info.address},
        link={"session_id": session.id, "device": session.device},
    )
