"""Setting up second factors and removing them: who may, and what goes with it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.core.settings import EmailVerification, SecondFactor
from gatepost.identity.accounts.errors import EmailUnverified
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.assurance.proofs import Proved, forget_proof, prove_again
from gatepost.identity.assurance.repository import sessions_on_trust, sessions_proved_by
from gatepost.identity.assurance.second_factors import Answer
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.credentials.passkeys.challenges import Challenges, Purpose
from gatepost.identity.credentials.passkeys.method import PasskeyMethod
from gatepost.identity.credentials.passkeys.options import Asked, PasskeyUser
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused
from gatepost.identity.credentials.passkeys.registration import NewPasskey
from gatepost.identity.credentials.passkeys.repository import Passkeys
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.credentials.totp.method import TotpMethod
from gatepost.identity.credentials.totp.uri import otpauth_uri, qr_svg, secret_text
from gatepost.identity.factors.enrolment import ShownSecret, has_second_factor
from gatepost.identity.factors.errors import SecondFactorsOff, TotpEnrolled
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey, RecoveryCodes
from gatepost.identity.links.mails import notify
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.sessions.service import SessionService
from gatepost.mail.outbox import MailKind

END_REASON = "second_factor_added"
NO_TRUST = "device_trusted_no_more"
# Why a session ends that a factor was a proof of.
REMOVED = {
    Method.PASSKEY: "passkey_removed",
    Method.TOTP: "totp_removed",
    Method.RECOVERY_CODE: "recovery_codes_replaced",
}


class FactorEnrolment:
    """Does it in transactions of its callers, who hold the account: of the signed in, and of sign-ins that wait."""

    def __init__(
        self,
        clock: Clock,
        sessions: SessionService,
        totp: TotpMethod,
        recovery_codes: RecoveryCodeMethod,
        passkeys: PasskeyMethod,
        *,
        policy: AccountPolicy,
        issuer: str,
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._totp = totp
        self._recovery_codes = recovery_codes
        self._passkeys = passkeys
        self._policy = policy
        self._issuer = issuer

    @property
    def methods(self) -> list[Method]:
        """What can be set up here as a second factor, the usual way first."""
        return [*([Method.PASSKEY] if self._passkeys.relying_party is not None else []), Method.TOTP]

    def require_allowed(self, user: User) -> None:
        """Let those pass who may set up a second factor.

        Raises:
            SecondFactorsOff: the deployment has none.
            EmailUnverified: the address is not proved, so that it may be somebody else's.
        """
        if self._policy.second_factor is SecondFactor.OFF:
            raise SecondFactorsOff
        self.require_proved_address(user)

    def require_proved_address(self, user: User) -> None:
        """Let an account pass whose address is proved, where addresses are.

        Raises:
            EmailUnverified: it is not, so that it may be somebody else's.
        """
        if self._policy.verification is not EmailVerification.OFF and user.email_verified_at is None:
            raise EmailUnverified

    async def start_totp(self, tx: Transaction, user: User) -> bytes:
        """Return a new secret for an app, in the place of one that was not confirmed.

        Raises:
            SecondFactorsOff, EmailUnverified: as for `require_allowed`.
            TotpEnrolled: the account has an app.
        """
        self.require_allowed(user)
        secret = await self._totp.start(tx, user)
        if secret is None:
            raise TotpEnrolled
        return secret

    async def shown(self, user: User, secret: bytes) -> ShownSecret:
        """Return a secret as people get it into their app, which calls the service `issuer`."""
        uri = otpauth_uri(secret, issuer=self._issuer, account=user.username)
        return ShownSecret(secret_text(secret), uri, await asyncio.to_thread(qr_svg, uri))

    async def confirm_totp(
        self, tx: Transaction, user: User, code: str, *, session_id: int | None, info: RequestInfo
    ) -> tuple[Proved, list[str]] | None:
        """Let a secret count from now on, whose first code this is; None where it is not.

        Returns what it proves, and new recovery codes with the first factor. A session in which it was set up goes on.
        """
        is_first = not await has_second_factor(tx, user.id)
        if not await self._totp.confirm(tx, user, code):
            return None
        now = self._clock.now()
        proved = await self.proof_by_new(tx, Method.TOTP, session_id=session_id)
        codes = await self.added(tx, user, proved, session_id=session_id, is_first=is_first, info=info)
        await self.changed(tx, user, MailKind.SECOND_FACTOR_ADDED, info=info)
        record(tx, AuditEvent.TOTP_ENROLLED, at=now, user_id=user.id, session_id=session_id, info=info)
        return proved, codes

    async def ask_for_passkey(self, tx: Transaction, user: User, *, bound_to: str) -> Asked:
        """Return the id of a challenge and the options for a new passkey, for a session or a sign-in that waits.

        Raises:
            SecondFactorsOff, EmailUnverified: as for `require_allowed`.
            PasskeysUnavailable: browsers would refuse them here.
        """
        self.require_allowed(user)
        whose = PasskeyUser(await Passkeys(tx).handle_of(user.id), user.username, user.username)
        return await self._passkeys.ask_for_new(tx, Purpose.REGISTRATION, whose, user=user, bound_to=bound_to)

    async def add_passkey(
        self,
        tx: Transaction,
        user: User,
        new: NewPasskey,
        *,
        name: str | None,
        session_id: int | None,
        info: RequestInfo,
    ) -> tuple[Passkey, Proved, list[str]]:
        """Give an account a passkey that was verified.

        Returns it, what it proves, and new recovery codes with the first factor. A session in which it was added goes
        on.

        Raises:
            IntegrityError: an account has it already.
        """
        is_first = not await has_second_factor(tx, user.id)
        passkey = await self._passkeys.add(tx, user, new, name=name)
        proved = await self.proof_by_new(tx, Method.PASSKEY, passkey.id, session_id=session_id)
        codes = await self.added(tx, user, proved, session_id=session_id, is_first=is_first, info=info)
        details = {"passkey": passkey.id}
        record(
            tx, AuditEvent.PASSKEY_ADDED, at=self._clock.now(), user_id=user.id, session_id=session_id, info=info,
            details=details,
        )  # fmt: skip
        named = {"name": passkey.name}
        await self.changed(tx, user, MailKind.PASSKEY_ADDED, info=info, data=named, link=details)
        return passkey, proved, codes

    async def confirm(
        self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo
    ) -> tuple[Proved, list[str]] | None:
        """Let the first factor of an account count that a sign-in has set up; None where the answer is wrong.

        Raises:
            IntegrityError: another account has the passkey.
        """
        match answer.method:
            case Method.TOTP:
                return await self.confirm_totp(tx, user, answer.code, session_id=None, info=info)
            case Method.PASSKEY:
                return await self._confirm_passkey(tx, user, answer, info=info)
            case _:
                return None

    async def _confirm_passkey(
        self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo
    ) -> tuple[Proved, list[str]] | None:
        used = await Challenges(tx).use(
            answer.challenge_id,
            Purpose.REGISTRATION,
            now=self._clock.now(),
            user_id=user.id,
            bound_to=answer.bound_to,
        )
        if used is None:
            return None
        try:
            new = self._passkeys.read_new(answer.credential, used.challenge)
        except PasskeyRefused:
            return None
        _, proved, codes = await self.add_passkey(tx, user, new, name=None, session_id=None, info=info)
        return proved, codes

    async def proof_by_new(
        self, tx: Transaction, method: Method, credential: int | None = None, *, session_id: int | None
    ) -> Proved:
        """Return what a factor proves that is set up now.

        It shows who has the factor, and not once more who they are: in a session, the moment of that stays.
        """
        session = await Sessions(tx).get(session_id) if session_id is not None else None
        return Proved(method, session.proved_at if session is not None else self._clock.now(), credential)

    async def added(
        self, tx: Transaction, user: User, proved: Proved, *, session_id: int | None, is_first: bool, info: RequestInfo
    ) -> list[str]:
        """Let the session in which a factor was added go on as one of two factors, and return new recovery codes.

        With the first factor every other session ends: they came of a password alone. Codes are made where there are
        none; else the list is empty.
        """
        if is_first:
            await self._sessions.end(tx, user_id=user.id, keep=session_id, reason=END_REASON, info=info)
        session = await Sessions(tx).get(session_id) if session_id is not None else None
        if session is not None:
            prove_again(session, proved)
        if await tx.get(RecoveryCodes, user.id) is not None:
            return []
        return await self._recovery_codes.make(tx, user)

    async def removed(
        self,
        tx: Transaction,
        user: User,
        method: Method,
        credential: int | None = None,
        *,
        session_id: int,
        info: RequestInfo,
    ) -> None:
        """End the other sessions that a removed factor was a proof of; in this one, the proof no longer counts.

        With the last factor the recovery codes go, which have nothing left to stand in for.
        """
        await self.end_proved_by(tx, user, method, credential, but=session_id, info=info)
        session = await Sessions(tx).get(session_id)
        if session is not None:
            forget_proof(session, method, credential)
        if not await has_second_factor(tx, user.id):
            await self._recovery_codes.remove(tx, user)
            await self.end_proved_by(tx, user, Method.RECOVERY_CODE, but=session_id, info=info)

    async def end_proved_by(
        self,
        tx: Transaction,
        user: User,
        method: Method,
        credential: int | None = None,
        *,
        but: int,
        info: RequestInfo,
    ) -> None:
        """End the sessions of an account, but one, that a credential was a proof of which is good no more."""
        ids = await sessions_proved_by(tx, user.id, method, credential, but=but, now=self._clock.now())
        await self._sessions.end_named(tx, ids, reason=REMOVED[method], info=info)

    async def changed(
        self,
        tx: Transaction,
        user: User,
        kind: MailKind,
        *,
        info: RequestInfo,
        data: Mapping[str, Any] | None = None,
        link: Mapping[str, Any] | None = None,
    ) -> None:
        """Note that the account is another one for whoever is signing in, and on any device; tell its owner.

        No device is trusted any more, so that sessions end in which one has stood in for the second factor.
        """
        now = self._clock.now()
        user.touch(now)
        await TrustedDevices(tx).forget(user.id)
        on_trust = await sessions_on_trust(tx, user.id, now=now)
        await self._sessions.end_named(tx, on_trust, reason=NO_TRUST, info=info)
        await notify(tx, kind, user, at=now, info=info, data=data, link={"told": kind, **(link or {})})
