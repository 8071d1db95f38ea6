"""One's own second factors."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.core.settings import EmailVerification, SecondFactor
from gatepost.flows.factors.consequences import FactorConsequences
from gatepost.flows.factors.errors import SecondFactorsOff, TotpEnrolled, WrongCode
from gatepost.identity.accounts.errors import EmailUnverified, UserNotFound, WrongPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.proofs import Proved
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.credentials.passkeys.repository import Passkeys
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.credentials.totp.method import TotpMethod
from gatepost.identity.credentials.totp.uri import otpauth_uri, qr_svg, secret_text
from gatepost.identity.factors.enrolment import has_second_factor
from gatepost.identity.factors.errors import NoSecondFactor
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey, RecoveryCodes, TotpSecret
from gatepost.identity.links.mails import notify
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.mail.outbox import MailKind


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret that was shown, and counts after its first right code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    svg: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account has set up, or begun to."""

    totp: TotpSecret | None
    recovery_codes: RecoveryCodes | None
    passkeys: Sequence[Passkey]


class FactorService:
    """Lets owners of accounts see and change their second factors. `issuer` is what apps call the service."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        guesses: Guesses,
        totp: TotpMethod,
        recovery_codes: RecoveryCodeMethod,
        consequences: FactorConsequences,
        *,
        policy: AccountPolicy,
        issuer: str,
    ) -> None:
        self._db = database
        self._clock = clock
        self._guesses = guesses
        self._totp = totp
        self._recovery_codes = recovery_codes
        self._consequences = consequences
        self._policy = policy
        self._issuer = issuer

    async def of(self, principal: UserPrincipal) -> Factors:
        """Return what the caller has set up.

        Raises:
            UserNotFound: the account has been deleted a moment ago.
        """
        async with self._db.read() as tx:
            user = await Users(tx).of(principal.account)
            if user is None:
                raise UserNotFound
            totp, codes = await tx.get(TotpSecret, user.id), await tx.get(RecoveryCodes, user.id)
            return Factors(totp, codes, await Passkeys(tx).of(user.id))

    async def start_totp(self, principal: UserPrincipal, *, proved_hash: str) -> Enrolment:
        """Give the caller's account a secret for an app, in the place of one that was not confirmed.

        Raises:
            SecondFactorsOff: the deployment has none.
            EmailUnverified: the address is not proved, so that it may be somebody else's.
            TotpEnrolled: the account has an app.
            WrongPassword: it is another one than that which was proved, since a moment ago.
            UserNotFound: the account has been deleted a moment ago.
        """
        if self._policy.second_factor is SecondFactor.OFF:
            raise SecondFactorsOff
        username, secret = await self._start_totp(principal, proved_hash=proved_hash)
        uri = otpauth_uri(secret, issuer=self._issuer, account=username)
        return Enrolment(secret_text(secret), uri, await asyncio.to_thread(qr_svg, uri))

    async def confirm_totp(self, principal: UserPrincipal, code: str, *, info: RequestInfo) -> list[str]:
        """Let the secret count from now on, whose first code this is, and return the recovery codes that go with it.

        They go with the first factor, as every other session does: those came of a password alone. A wrong code counts
        on the session.

        Raises:
            WrongCode: it is not a code of the secret, or there is none.
            FactorUnreadable: SECRET_KEY does not open the secret; it can be shown anew.
            TooManyAttempts: too many were not.
            UserNotFound: the account has been deleted a moment ago.
        """
        codes = await self._confirm_totp(principal, code, info=info)
        if codes is None:
            raise WrongCode
        return codes

    @retry_conflicts
    async def remove_totp(self, principal: UserPrincipal, *, proved_hash: str, info: RequestInfo) -> None:
        """Remove the caller's app, and the recovery codes with the last factor.

        Raises:
            NoSecondFactor: there is none.
            WrongPassword, UserNotFound: as for `start_totp`.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await self._held(tx, principal, proved_hash=proved_hash)
            if not await self._totp.remove(tx, user):
                raise NoSecondFactor
            await self._consequences.of_removed(tx, user)
            await self._changed(tx, user, MailKind.SECOND_FACTOR_REMOVED, info=info)
            record(
                tx, AuditEvent.TOTP_REMOVED, at=now, user_id=user.id, session_id=principal.session_id, info=info
            )  # fmt: skip

    @retry_conflicts
    async def replace_recovery_codes(
        self, principal: UserPrincipal, *, proved_hash: str, info: RequestInfo
    ) -> Sequence[str]:
        """Give the caller's account ten new recovery codes, and return them; those of before are void.

        Raises:
            NoSecondFactor: there is none that they could stand in for.
            WrongPassword, UserNotFound: as for `start_totp`.
        """
        async with self._db.begin() as tx:
            user = await self._held(tx, principal, proved_hash=proved_hash)
            if not await has_second_factor(tx, user.id):
                raise NoSecondFactor
            codes = await self._recovery_codes.make(tx, user)
            await self._changed(tx, user, MailKind.RECOVERY_CODES_REPLACED, info=info)
            record(
                tx, AuditEvent.RECOVERY_CODES_REPLACED, at=self._clock.now(), user_id=user.id,
                session_id=principal.session_id, info=info,
            )  # fmt: skip
        return codes

    @retry_conflicts
    async def _start_totp(self, principal: UserPrincipal, *, proved_hash: str) -> tuple[str, bytes]:
        async with self._db.begin() as tx:
            user = await self._held(tx, principal, proved_hash=proved_hash)
            if self._policy.verification is not EmailVerification.OFF and user.email_verified_at is None:
                raise EmailUnverified
            secret = await self._totp.start(tx, user)
            if secret is None:
                raise TotpEnrolled
        return user.username, secret

    @retry_conflicts
    async def _confirm_totp(self, principal: UserPrincipal, code: str, *, info: RequestInfo) -> list[str] | None:
        now, counters = self._clock.now(), self._guesses.of_session(principal.session_id)
        async with self._db.begin() as tx:
            await self._guesses.check(tx, counters)
            user = await self._held(tx, principal)
            is_first = not await has_second_factor(tx, user.id)
            if not await self._totp.confirm(tx, user, code):
                await self._guesses.record_failure(tx, counters, info=info, user_id=user.id)
                return None
            await self._guesses.record_success(tx, counters, user, info=info)
            # Its code was shown here.
            proved = Proved(Method.TOTP, now)
            codes = await self._consequences.of_added(
                tx, user, proved, session_id=principal.session_id, is_first=is_first, info=info
            )
            await self._changed(tx, user, MailKind.SECOND_FACTOR_ADDED, info=info)
            record(
                tx, AuditEvent.TOTP_ENROLLED, at=now, user_id=user.id, session_id=principal.session_id, info=info
            )  # fmt: skip
        return codes

    async def _held(self, tx: Transaction, principal: UserPrincipal, *, proved_hash: str | None = None) -> User:
        user = await Users(tx).of(principal.account, is_locked=True)
        if user is None:
            raise UserNotFound
        if proved_hash is not None and user.password_hash != proved_hash:
            raise WrongPassword
        return user

    async def _changed(self, tx: Transaction, user: User, kind: MailKind, *, info: RequestInfo) -> None:
        """Note that the account is another one for whoever is signing in, and on any device; tell its owner."""
        now = self._clock.now()
        user.touch(now)
        await TrustedDevices(tx).forget(user.id)
        await notify(tx, kind, user, at=now, info=info, link={"told": kind})
