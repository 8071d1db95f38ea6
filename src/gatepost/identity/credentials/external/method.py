"""An account at another provider, as a way in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import defer, joinedload

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.assurance.decision import Decision
from gatepost.identity.assurance.matrix import Outcome
from gatepost.identity.assurance.proofs import Proof, Proved
from gatepost.identity.assurance.trusted_devices import TRUSTED_ID, trust_params
from gatepost.identity.credentials.external.errors import ProviderSignInInvalid
from gatepost.identity.credentials.password import NEW_FOR
from gatepost.identity.external.authorizations import Told
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.enrolment import HAS_SECOND_FACTOR
from gatepost.identity.factors.methods import Method
from gatepost.identity.sessions.devices import describe
from gatepost.identity.sessions.statements import IS_STRANGE
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.rates import Rate, RateLimits
from gatepost.identity.tokens.errors import SecondFactorDue

# Made once: the account, and what its sign-in has to know, is read with the identity.
SIGNING_IN = (
    select(ExternalIdentity.id, User, IS_STRANGE, HAS_SECOND_FACTOR, TRUSTED_ID)
    .join(User, User.id == ExternalIdentity.user_id)
    .where(
        ExternalIdentity.issuer == bindparam("issuer"),
        ExternalIdentity.subject == bindparam("subject"),
    )
    .options(
        defer(User.created_at, raiseload=True),
        defer(User.updated_at, raiseload=True),
        defer(User.last_sign_in_at, raiseload=True),
        joinedload(User.roles).load_only(Role.name, Role.permissions, raiseload=True),
    )
    .execution_options(populate_existing=True)
)


@dataclass(slots=True)
class ProviderAttempt:
    """One try with an identity, which the provider has vouched for at `at`.

    Where no answer could ask for a second factor, `can_ask` is False: then nothing is begun that needs one.
    """

    method: "ProviderMethod"
    told: Told
    at: datetime
    info: RequestInfo
    device: Device
    can_ask: bool
    _proof: Proof | None = None

    async def prove(self) -> Proof:
        """Read whose identity it is.

        Raises:
            ProviderSignInInvalid: it is nobody's by now.
            SecondFactorDue: its account needs more, and nobody could be asked for it.
            TooManyRequests: the account has been signed in to too often of late.
        """
        self._proof = await self.method.prove(self)
        return self._proof

    async def succeeded(self) -> None:
        """Count the sign-in, and note the use of the identity."""
        if self._proof is not None:
            await self.method.settle(self, self._proof)


class ProviderMethod:
    """Makes attempts with identities, and reads what they prove."""

    def __init__(
        self, database: Database, clock: Clock, rates: RateLimits, decision: Decision, *, trust_life: timedelta
    ) -> None:
        self._db = database
        self._clock = clock
        self._rates = rates
        self._decision = decision
        self._trust_life = trust_life

    def attempt(
        self, told: Told, *, at: datetime, info: RequestInfo, device: Device, can_ask: bool = True
    ) -> ProviderAttempt:
        """Begin an attempt."""
        return ProviderAttempt(self, told, at, info, device, can_ask)

    async def prove(self, attempt: ProviderAttempt) -> Proof:
        """Read what an attempt proves; see `ProviderAttempt.prove`."""
        proof = await self._read(attempt)
        is_due = self._decision.outcome(proof) is not Outcome.SESSION
        if is_due and not attempt.can_ask and self._decision.refusal(proof.user) is None:
            raise SecondFactorDue
        await self._rates.require_room(Rate.SIGN_IN, str(proof.user.id))
        return proof

    async def settle(self, attempt: ProviderAttempt, proof: Proof) -> None:
        """Do what comes after a sign-in; see `ProviderAttempt.succeeded`."""
        await self._rates.hit(Rate.SIGN_IN, str(proof.user.id))
        await self._note_use(proof.proved[0].credential or 0, attempt.told)

    async def _read(self, attempt: ProviderAttempt) -> Proof:
        now, told = self._clock.now(), attempt.told
        values = {
            "issuer": told.issuer,
            "subject": told.subject,
            "device": describe(attempt.info.user_agent),
            "client_address": attempt.info.address,
            "new_since": now - NEW_FOR,
            **trust_params(attempt.device, now=now, life=self._trust_life),
        }
        async with self._db.read() as tx:
            rows = (await tx.execute(SIGNING_IN, values)).unique().all()
        if not rows:
            raise ProviderSignInInvalid
        identity_id, user, is_strange, has_second_factor, trusted_id = rows[0]
        proved = [proof_by(identity_id, told, at=attempt.at)]
        if has_second_factor and trusted_id is not None:
            proved.append(Proved(Method.TRUSTED_DEVICE, now, trusted_id))
        is_new_device = bool(is_strange) and not attempt.device.is_known_to(user)
        return Proof(user, tuple(proved), bool(has_second_factor), is_new_device=is_new_device)

    @retry_conflicts
    async def _note_use(self, identity_id: int, told: Told) -> None:
        async with self._db.begin() as tx:
            await Identities(tx).use(identity_id, email=told.email, now=self._clock.now())


def proof_by(identity_id: int, told: Told, *, at: datetime) -> Proved:
    """Return what an identity proves: one factor, or several where the provider is believed that it took them."""
    return Proved(Method.PROVIDER_FACTORS if told.has_factors else Method.PROVIDER, at, identity_id)
