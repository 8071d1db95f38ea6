"""Pending sign-ins, which wait for a second factor, and continuing them."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.audit.repetitions import record_once_a_day
from gatepost.core.clock import Clock
from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.errors import AppError
from gatepost.core.logs.context import Act, note_act
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.decision import ANSWERS, Decision, Refusal
from gatepost.identity.assurance.errors import PasskeyInvalid, PendingSignInInvalid, SecondFactorRequired
from gatepost.identity.assurance.matrix import Outcome
from gatepost.identity.assurance.models import PendingSignIn
from gatepost.identity.assurance.opening import SessionOpening
from gatepost.identity.assurance.proofs import Proof, Proved
from gatepost.identity.assurance.repository import PendingSignIns
from gatepost.identity.assurance.second_factors import Answer, SecondFactors
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.factors.enrolment import ShownSecret, has_second_factor, usable_methods
from gatepost.identity.factors.methods import Method
from gatepost.identity.sessions.handout import SignedIn
from gatepost.identity.sessions.models import Session
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.guesses import Guesses

LIFE = timedelta(minutes=10)


class FirstFactor(Protocol):
    """Sets up the first factor of an account that has to have one."""

    @property
    def methods(self) -> list[Method]:
        """What can be set up, the usual way first."""

    async def ask_for_passkey(self, tx: Transaction, user: User, *, bound_to: str) -> tuple[str, dict[str, Any]]:
        """Return the id of a challenge and the options for a new passkey."""

    async def start_totp(self, tx: Transaction, user: User) -> bytes:
        """Return a new secret for an app."""

    async def shown(self, user: User, secret: bytes) -> ShownSecret:
        """Return a secret as people get it into their app."""

    async def confirm(
        self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo
    ) -> tuple[Proved, list[str]] | None:
        """Let a factor count whose first answer this is; return what it proves, and the recovery codes beside it."""


class SignInContinuation:
    """Keeps what was proved until the second factor comes, and opens the session then."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        guesses: Guesses,
        decision: Decision,
        opening: SessionOpening,
        factors: SecondFactors,
        enrolment: FirstFactor,
        *,
        trust_life: timedelta,
    ) -> None:
        self._db = database
        self._clock = clock
        self._guesses = guesses
        self._decision = decision
        self._opening = opening
        self._factors = factors
        self._enrolment = enrolment
        self._trust_life = trust_life

    @retry_conflicts
    async def ask_for_more(self, proof: Proof, *, info: RequestInfo) -> SecondFactorRequired | None:
        """Keep what was proved, and return the answer that says how to go on; None where the account has changed.

        Raises:
            TooManyAttempts: guesses at the same time have used up what was left.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await Users(tx).lock_unchanged(proof.user.id, password_hash=proof.user.password_hash)
            if user is None:
                return None
            # They know the password, so that no more can be learned of it.
            await self._guesses.record_success(tx, proof.counters, user, info=info)
            token = await PendingSignIns(tx).add(proof, info=info, now=now, expires_at=now + LIFE)
            methods = await usable_methods(tx, user.id)
            enrol = self._enrolment.methods if self._decision.outcome(proof) is Outcome.ENROLMENT else ()
            details = {"amr": proof.authentication.amr}
            record(tx, AuditEvent.SIGN_IN_PENDING, at=now, user_id=user.id, info=info, details=details)
        return SecondFactorRequired(token, methods, enrol_methods=enrol, expires_in=int(LIFE.total_seconds()))

    async def go_on(
        self,
        token: str,
        answer: Answer,
        *,
        info: RequestInfo,
        device: Device,
        trusted_name: str | None = None,
        replaces: Collection[int] = (),
    ) -> SignedIn:
        """Sign in who has proved the rest; sessions whose ids are in `replaces`, of whatever account, end with it.

        Where a `trusted_name` is given, the device has it in its token from now on, and is trusted for some time.

        Raises:
            PendingSignInInvalid: the token is invalid, or the account has changed since.
            InvalidCode, PasskeyInvalid: the answer is wrong.
            AccountDisabled, EmailUnverified: the account may not sign in by now.
            TooManyAttempts: too many codes were wrong; whether this one was right is not told.
        """
        note_act(Act.SIGN_IN)
        try:
            outcome = await self._go_on(
                token, answer, info=info, device=device, trusted_name=trusted_name, replaces=replaces
            )
        except IntegrityError as error:  # another account has the passkey that was to be set up
            raise PasskeyInvalid from error
        if isinstance(outcome, AppError):
            raise outcome
        user, session, codes = outcome
        return replace(self._opening.issue(user, session), recovery_codes=codes)

    async def start_totp(self, token: str) -> ShownSecret:
        """Return a new secret for an app, for a sign-in that has to set up its first factor.

        Raises:
            PendingSignInInvalid: the token is invalid, the account has changed since, or it has a factor.
            EmailUnverified: the address is not proved, so that it may be somebody else's.
        """
        return await self._enrolment.shown(*await self._start_totp(token))

    @retry_conflicts
    async def ask_for_new_passkey(self, token: str) -> tuple[str, dict[str, Any]]:
        """Return the id of a challenge and the options for a passkey, for the same; it is good in this sign-in.

        Raises:
            PendingSignInInvalid, EmailUnverified: as for `start_totp`.
            PasskeysUnavailable: browsers would refuse them here.
        """
        async with self._db.begin() as tx:
            user = await self._owing(tx, token)
            return await self._enrolment.ask_for_passkey(tx, user, bound_to=digest_of(token))

    @retry_conflicts
    async def _start_totp(self, token: str) -> tuple[User, bytes]:
        async with self._db.begin() as tx:
            user = await self._owing(tx, token)
            return user, await self._enrolment.start_totp(tx, user)

    async def _owing(self, tx: Transaction, token: str) -> User:
        """Return the account of a sign-in that has to set up its first factor."""
        waiting = await self.waiting(tx, token)
        if waiting is None or not await self._owes_enrolment(tx, waiting[1]):
            raise PendingSignInInvalid
        return waiting[1]

    async def waiting(self, tx: Transaction, token: str) -> tuple[PendingSignIn, User] | None:
        """Return the pending sign-in of a token and its account, both locked; None where either is not as it was."""
        pending = await PendingSignIns(tx).held(token, now=self._clock.now())
        user = await Users(tx).kept(pending.user_id) if pending is not None else None
        if pending is None or user is None or not _is_of(pending, user):
            return None
        return pending, user

    @retry_conflicts
    async def _go_on(
        self,
        token: str,
        answer: Answer,
        *,
        info: RequestInfo,
        device: Device,
        trusted_name: str | None,
        replaces: Collection[int],
    ) -> AppError | tuple[User, Session, list[str]]:
        """Return the session and new recovery codes, or the answer to a refusal that the transaction remembers."""
        async with self._db.begin() as tx:
            waiting = await self.waiting(tx, token)
            if waiting is None:
                return PendingSignInInvalid()
            pending, user = waiting
            refusal = self._decision.refusal(user)
            if refusal is not None:
                return await self._refuse(tx, refusal, user, info=info)
            shown = await self._shown(tx, user, answer, info=info, device=device)
            if shown is None:
                is_passkey = answer.method is Method.PASSKEY
                wrong = Refusal.WRONG_PASSKEY if is_passkey else Refusal.WRONG_CODE
                return await self._refuse(tx, wrong, user, info=info)
            if not await PendingSignIns(tx).use(pending.id, now=self._clock.now()):
                raise PendingSignInInvalid
            proved, codes = shown
            session = await self._open(tx, pending, user, proved, info=info, replaces=replaces)
            await self._trust(tx, user, session, trusted_name, device=device, info=info)
        return user, session, codes

    async def _shown(
        self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo, device: Device
    ) -> tuple[Proved, list[str]] | None:
        """Return what an answer proves, of a factor of the account or of its first one, and new recovery codes."""
        if not await self._owes_enrolment(tx, user):
            proved = await self._factors.check(tx, user, answer, info=info, device=device)
            return (proved, []) if proved is not None else None
        if answer.method is Method.PASSKEY:
            return await self._enrolment.confirm(tx, user, answer, info=info)
        counters = self._guesses.of_second_factors(user, info=info, device=device)
        await self._guesses.check(tx, counters)
        confirmed = await self._enrolment.confirm(tx, user, answer, info=info)
        if confirmed is None:
            await self._guesses.record_failure(tx, counters, info=info, user_id=user.id)
        return confirmed

    async def _owes_enrolment(self, tx: Transaction, user: User) -> bool:
        return self._decision.requires_factor(user) and not await has_second_factor(tx, user.id)

    async def _open(
        self,
        tx: Transaction,
        pending: PendingSignIn,
        user: User,
        proved: Proved,
        *,
        info: RequestInfo,
        replaces: Collection[int],
    ) -> Session:
        """Open the session of a pending sign-in that was used up in the caller's transaction."""
        before = tuple(map(Proved.from_json, pending.proofs))
        proof = Proof(user, (*before, proved), has_second_factor=True, is_new_device=pending.is_new_device)
        await self._opening.keep_account(tx, user, info=info)
        session = await self._opening.open_in(tx, proof, info=info, replaces=replaces)
        if session is None:
            raise PendingSignInInvalid
        return session

    async def _trust(
        self, tx: Transaction, user: User, session: Session, name: str | None, *, device: Device, info: RequestInfo
    ) -> None:
        if name is None or not self._trust_life:
            return
        at = session.created_at
        await TrustedDevices(tx).add(user.id, name, before=device, info=info, now=at, life=self._trust_life)
        record(tx, AuditEvent.DEVICE_TRUSTED, at=at, user_id=user.id, session_id=session.id, info=info)

    async def _refuse(self, tx: Transaction, refusal: Refusal, user: User, *, info: RequestInfo) -> AppError:
        at, details = self._clock.now(), {"reason": refusal.value}
        if refusal is Refusal.WRONG_CODE:
            record(tx, AuditEvent.SIGN_IN_FAILED, at=at, user_id=user.id, info=info, details=details)
        else:
            # No guess that is counted: nothing else would end it.
            await record_once_a_day(tx, AuditEvent.SIGN_IN_FAILED, at=at, user_id=user.id, info=info, details=details)
        return ANSWERS[refusal]()


def _is_of(pending: PendingSignIn, user: User) -> bool:
    """Whether an account is as it was proved."""
    return (pending.random_id, pending.version, pending.token_version) == (
        user.random_id,
        user.version,
        user.token_version,
    )
