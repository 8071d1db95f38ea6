"""The passkey, as a way in."""

from dataclasses import dataclass, field

from gatepost.audit.log import AuditEvent
from gatepost.audit.repetitions import record_once_a_day
from gatepost.core.clock import Clock
from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.errors import AppError
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.reference import AccountRef
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.decision import Refusal
from gatepost.identity.assurance.errors import PasskeyInvalid, PendingSignInInvalid
from gatepost.identity.assurance.pending import SignInContinuation
from gatepost.identity.assurance.proofs import Proof
from gatepost.identity.credentials.passkeys.challenges import Challenges, Purpose
from gatepost.identity.credentials.passkeys.method import PasskeyMethod, named_in
from gatepost.identity.credentials.passkeys.options import Asked
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused
from gatepost.identity.credentials.passkeys.refusals import Refusal as Flaw
from gatepost.identity.credentials.passkeys.repository import Passkeys
from gatepost.identity.credentials.password import NEW_FOR
from gatepost.identity.sessions.devices import describe
from gatepost.identity.throttling.devices import UNKNOWN_DEVICE, Device
from gatepost.identity.throttling.rates import Rate, RateLimits


@dataclass(slots=True)
class PasskeyAttempt:
    """One try with a passkey; its challenge is used up by the first look at it."""

    signing_in: "PasskeySignIn"
    challenge_id: str = field(repr=False)
    credential: object = field(repr=False)
    info: RequestInfo
    device: Device
    _proof: Proof | None = None

    async def prove(self) -> Proof:
        """Verify the response; where its account has changed since, read that again.

        Raises:
            PasskeyInvalid: it is not a valid response to the challenge with a passkey of an account.
            TooManyRequests: the account has been signed in to too often of late.
        """
        if self._proof is None:
            self._proof = await self.signing_in.verify(self)
        else:
            self._proof = await self.signing_in.reread(self._proof)
        return self._proof

    async def succeeded(self) -> None:
        """Count the sign-in."""
        if self._proof is not None:
            await self.signing_in.settle(self._proof)


class PasskeySignIn:
    """Asks for passkeys at a sign-in, and checks the attempts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rates: RateLimits,
        passkeys: PasskeyMethod,
        continuation: SignInContinuation,
    ) -> None:
        self._db = database
        self._clock = clock
        self._rates = rates
        self._passkeys = passkeys
        self._continuation = continuation

    @retry_conflicts
    async def ask(self, pending_token: str | None) -> Asked:
        """Return the id of a new challenge and the options: for anybody, or for a pending sign-in.

        Raises:
            PendingSignInInvalid: the token is invalid, or the account has changed since.
            PasskeysUnavailable: browsers would refuse them here.
        """
        async with self._db.begin() as tx:
            if pending_token is None:
                return await self._passkeys.ask(tx, Purpose.SIGN_IN)
            waiting = await self._continuation.waiting(tx, pending_token)
            if waiting is None:
                raise PendingSignInInvalid
            bound_to = digest_of(pending_token)
            return await self._passkeys.ask(tx, Purpose.SECOND_FACTOR, user=waiting[1], bound_to=bound_to)

    def attempt(
        self, challenge_id: str, credential: object, *, info: RequestInfo, device: Device = UNKNOWN_DEVICE
    ) -> PasskeyAttempt:
        """Begin an attempt."""
        return PasskeyAttempt(self, challenge_id, credential, info, device)

    async def verify(self, attempt: PasskeyAttempt) -> Proof:
        """Verify an attempt; see `PasskeyAttempt.prove`."""
        outcome = await self._verify(attempt)
        if isinstance(outcome, AppError):
            raise outcome
        await self._rates.require_room(Rate.SIGN_IN, str(outcome.user.id))
        return outcome

    async def reread(self, proof: Proof) -> Proof:
        """Return what an attempt proves by now.

        Raises:
            PasskeyInvalid: the passkey has been removed.
        """
        [proved] = proof.proved
        async with self._db.read() as tx:
            user = await Users(tx).of(AccountRef(proof.user.id, proof.user.random_id))
            passkey = await Passkeys(tx).get(proof.user.id, proved.credential or 0)
        if user is None or passkey is None:
            raise PasskeyInvalid
        return Proof(user, proof.proved, has_second_factor=True, is_new_device=proof.is_new_device)

    async def settle(self, proof: Proof) -> None:
        """Do what comes after a sign-in."""
        await self._rates.hit(Rate.SIGN_IN, str(proof.user.id))

    @retry_conflicts
    async def _verify(self, attempt: PasskeyAttempt) -> Proof | AppError:
        """Return what is proved, or the answer to a refusal that the transaction remembers."""
        now, info = self._clock.now(), attempt.info
        values = {
            "device": describe(info.user_agent),
            "new_since": now - NEW_FOR,
            "client_address": info.address,
        }
        async with self._db.begin() as tx:
            challenge = await Challenges(tx).use(attempt.challenge_id, Purpose.SIGN_IN, now=now)
            found, name = None, named_in(attempt.credential)
            if challenge is not None:
                found = await Passkeys(tx).signing_in(name, values)
            owned, user, is_strange = found or (None, None, False)
            try:
                proved = await self._passkeys.verify(
                    tx, owned, user, attempt.credential, challenge, is_discoverable=True, info=info
                )
            except PasskeyRefused as refused:
                await self._remember(tx, refused.reason, user, info=info)
                is_seen = refused.reason in (Flaw.SIGNATURE, Flaw.CREDENTIAL_ID)
                return PasskeyInvalid(is_unknown=is_seen and name != b"" and challenge is not None and found is None)
        if user is None:
            raise AssertionError("a passkey without an account was accepted")
        is_known = attempt.device.is_known_to(user)
        return Proof(user, (proved,), has_second_factor=True, is_new_device=is_strange and not is_known)

    async def _remember(self, tx: Transaction, why: Flaw, user: User | None, *, info: RequestInfo) -> None:
        """Write that a passkey was refused. No guess that is counted: nothing else would end it."""
        await record_once_a_day(
            tx,
            AuditEvent.SIGN_IN_FAILED,
            at=self._clock.now(),
            user_id=user.id if user is not None else None,
            info=info,
            details={"reason": Refusal.WRONG_PASSKEY.value, "why": why.value},
        )
