"""The one decision for all ways in: whether a proof is enough for a session of its account."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from gatepost.audit.log import AuditEvent, record
from gatepost.audit.repetitions import record_once_a_day
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.errors import AppError
from gatepost.core.request_info import RequestInfo
from gatepost.core.settings import EmailVerification
from gatepost.identity.accounts.errors import AccountDisabled, EmailUnverified
from gatepost.identity.accounts.models import User, allowed_by
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.assurance.errors import InvalidCode, InvalidCredentials, PasskeyInvalid
from gatepost.identity.assurance.matrix import Outcome, outcome
from gatepost.identity.assurance.proofs import Proof
from gatepost.identity.throttling.counters import Counter
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.tokens.errors import SecondFactorDue
from gatepost.identity.tokens.subject import TokenSubject


class Refusal(StrEnum):
    """Why a sign-in was refused, in the audit log."""

    UNKNOWN_ACCOUNT = "unknown_account"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  a reason, not a password
    DISABLED = "disabled"
    UNVERIFIED = "unverified"
    WRONG_CODE = "wrong_code"
    WRONG_PASSKEY = "wrong_passkey"
    PROVIDER = "provider_refused"
    ACCOUNT_CHANGED = "account_changed"


ANSWERS: dict[Refusal, type[AppError]] = {
    Refusal.UNKNOWN_ACCOUNT: InvalidCredentials,
    Refusal.WRONG_PASSWORD: InvalidCredentials,
    Refusal.DISABLED: AccountDisabled,
    Refusal.UNVERIFIED: EmailUnverified,
    Refusal.WRONG_CODE: InvalidCode,
    Refusal.WRONG_PASSKEY: PasskeyInvalid,
    Refusal.ACCOUNT_CHANGED: InvalidCredentials,
}

# What was given was right.
PROVED = (Refusal.DISABLED, Refusal.UNVERIFIED)


class Decision:
    """Decides who may sign in that has proved who they are, and refuses the others."""

    def __init__(self, database: Database, clock: Clock, guesses: Guesses, *, policy: AccountPolicy) -> None:
        self._db = database
        self._clock = clock
        self._guesses = guesses
        self._policy = policy

    def refusal(self, user: User | TokenSubject) -> Refusal | None:
        """Return why the person of an account may not sign in; None where they may."""
        if user.disabled_at is not None:
            return Refusal.DISABLED
        if self._policy.verification is EmailVerification.REQUIRED and user.email_verified_at is None:
            return Refusal.UNVERIFIED
        return None

    def outcome(self, proof: Proof) -> Outcome:
        """Return what comes of a proof, if its person may sign in at all."""
        return outcome(
            proof.authentication.acr,
            is_on_trusted_device=proof.trusted_device is not None,
            has_second_factor=proof.has_second_factor,
            requires_factor=self.requires_factor(proof.user),
        )

    def requires_factor(self, user: User) -> bool:
        """Whether an account has to have a second factor."""
        return self._policy.requires_factor(user.permissions)

    def renew(self, subject: TokenSubject) -> None:
        """Let a session go on, if it could be opened now.

        Raises:
            AccountDisabled, EmailUnverified: the account may not sign in.
            SecondFactorDue: it wants more than its person has proved.
        """
        refusal = self.refusal(subject)
        if refusal is not None:
            raise ANSWERS[refusal]
        comes = outcome(
            subject.acr,
            is_on_trusted_device=subject.is_on_trusted_device,
            has_second_factor=bool(subject.has_second_factor),
            requires_factor=self._policy.requires_factor(allowed_by(role.permissions for role in subject.roles)),
        )
        if comes is not Outcome.SESSION:
            raise SecondFactorDue

    async def refuse(
        self, refusal: Refusal, user: User | None, counters: Sequence[Counter], *, info: RequestInfo
    ) -> AppError:
        """Remember that a sign-in was refused, and return the answer.

        Raises:
            TooManyAttempts: guesses at the same time have used up what was left; the reason must not be told.
        """
        await self._remember(refusal, user, counters, info=info)
        return ANSWERS[refusal]()

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
            if refusal in PROVED:
                await self._guesses.check(tx, counters, held=True)
                # No guess that is counted: nothing else would end it.
                await record_once_a_day(tx, AuditEvent.SIGN_IN_FAILED, **told)
            else:
                await self._guesses.record_failure(tx, counters, info=info, user_id=told["user_id"])
                record(tx, AuditEvent.SIGN_IN_FAILED, **told)
