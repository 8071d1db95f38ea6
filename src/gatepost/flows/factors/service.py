"""One's own second factors."""

from collections.abc import Sequence
from dataclasses import dataclass

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.factors.errors import WrongCode
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials.enrolment import FactorEnrolment
from gatepost.identity.credentials.passkeys.repository import Passkeys
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.credentials.totp.method import TotpMethod
from gatepost.identity.factors.enrolment import ShownSecret, has_second_factor
from gatepost.identity.factors.errors import NoSecondFactor
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey, RecoveryCodes, TotpSecret
from gatepost.identity.sessions.callers import caller_of, proved_caller
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.mail.outbox import MailKind


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account has set up, or begun to."""

    totp: TotpSecret | None
    recovery_codes: RecoveryCodes | None
    passkeys: Sequence[Passkey]
    has_password: bool


class FactorService:
    """Lets owners of accounts see and change their second factors."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        guesses: Guesses,
        totp: TotpMethod,
        recovery_codes: RecoveryCodeMethod,
        enrolment: FactorEnrolment,
    ) -> None:
        self._db = database
        self._clock = clock
        self._guesses = guesses
        self._totp = totp
        self._recovery_codes = recovery_codes
        self._enrolment = enrolment

    async def of(self, principal: UserPrincipal) -> Factors:
        """Return what the caller has set up.

        Raises:
            UserNotFound: the account has just been deleted.
        """
        async with self._db.read() as tx:
            user = await account_of(tx, principal.account)
            totp, codes = await tx.get(TotpSecret, user.id), await tx.get(RecoveryCodes, user.id)
            return Factors(totp, codes, await Passkeys(tx).of(user.id), user.has_password)

    async def start_totp(self, principal: UserPrincipal, *, proved_hash: str) -> ShownSecret:
        """Give the caller's account a secret for an app, in the place of one that was not confirmed.

        Raises:
            SecondFactorsOff: the deployment has none.
            EmailUnverified: the address is not proved, so that it may be somebody else's.
            TotpEnrolled: the account has an app.
            WrongPassword: the password that was proved has just been replaced.
            TokenRevoked: the session has ended a moment ago.
            UserNotFound: the account has just been deleted.
        """
        user, secret = await self._start_totp(principal, proved_hash=proved_hash)
        return await self._enrolment.shown(user, secret)

    async def confirm_totp(self, principal: UserPrincipal, code: str, *, info: RequestInfo) -> list[str]:
        """Let the secret count from now on, whose first code this is, and return the recovery codes that go with it.

        They go with the first factor, as every other session does: those came of a password alone. A wrong code counts
        on the session.

        Raises:
            WrongCode: it is not a code of the secret, or there is none.
            FactorUnreadable: SECRET_KEY does not open the secret; a new one can be started.
            TooManyAttempts: too many were not.
            TokenRevoked: the session has ended a moment ago.
            UserNotFound: the account has just been deleted.
        """
        codes = await self._confirm_totp(principal, code, info=info)
        if codes is None:
            raise WrongCode
        return codes

    @retry_conflicts
    async def remove_totp(self, principal: UserPrincipal, *, proved_hash: str, info: RequestInfo) -> None:
        """Remove the caller's app, and the recovery codes with the last factor. Other sessions that it proved end.

        Raises:
            NoSecondFactor: there is none.
            WrongPassword, TokenRevoked, UserNotFound: as for `start_totp`.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            if not await self._totp.remove(tx, user):
                raise NoSecondFactor
            await self._enrolment.removed(tx, user, Method.TOTP, session_id=principal.session_id, info=info)
            await self._enrolment.changed(tx, user, MailKind.SECOND_FACTOR_REMOVED, info=info)
            record(tx, AuditEvent.TOTP_REMOVED, at=now, user_id=user.id, session_id=principal.session_id, info=info)

    @retry_conflicts
    async def replace_recovery_codes(
        self, principal: UserPrincipal, *, proved_hash: str, info: RequestInfo
    ) -> Sequence[str]:
        """Give the caller's account ten new recovery codes, and return them.

        Earlier ones no longer work, and other sessions that they proved end.

        Raises:
            NoSecondFactor: there is none that they could stand in for.
            WrongPassword, TokenRevoked, UserNotFound: as for `start_totp`.
        """
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            if not await has_second_factor(tx, user.id):
                raise NoSecondFactor
            codes = await self._recovery_codes.make(tx, user)
            # One that this session has used up is none of those that are lost.
            await self._enrolment.end_proved_by(tx, user, Method.RECOVERY_CODE, but=principal.session_id, info=info)
            await self._enrolment.changed(tx, user, MailKind.RECOVERY_CODES_REPLACED, info=info)
            record(
                tx, AuditEvent.RECOVERY_CODES_REPLACED, at=self._clock.now(), user_id=user.id,
                session_id=principal.session_id, info=info,
            )  # fmt: skip
        return codes

    @retry_conflicts
    async def _start_totp(self, principal: UserPrincipal, *, proved_hash: str) -> tuple[User, bytes]:
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            secret = await self._enrolment.start_totp(tx, user)
        return user, secret

    @retry_conflicts
    async def _confirm_totp(self, principal: UserPrincipal, code: str, *, info: RequestInfo) -> list[str] | None:
        counters = self._guesses.of_session(principal.session_id)
        async with self._db.begin() as tx:
            await self._guesses.check(tx, counters)
            user = await caller_of(tx, principal, now=self._clock.now())
            confirmed = await self._enrolment.confirm_totp(tx, user, code, session_id=principal.session_id, info=info)
            if confirmed is None:
                await self._guesses.record_failure(tx, counters, info=info, user_id=user.id)
                return None
            await self._guesses.record_success(tx, counters, user, info=info)
        return confirmed[1]
