"""The password, as a way in."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.crypto.turns import Asker
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import canonical_identifier
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.decision import Decision, Refusal
from gatepost.identity.assurance.proofs import Proof, Proved
from gatepost.identity.assurance.trusted_devices import TRUSTED_ID, trust_params
from gatepost.identity.factors.enrolment import HAS_SECOND_FACTOR
from gatepost.identity.factors.methods import Method
from gatepost.identity.sessions.devices import describe
from gatepost.identity.sessions.statements import IS_STRANGE
from gatepost.identity.throttling.counters import Counter, CounterKind, counted_name, turn_of
from gatepost.identity.throttling.devices import UNKNOWN_DEVICE, Device
from gatepost.identity.throttling.guess_columns import GUESS_COLUMNS
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.throttling.rates import Rate, RateLimits

# What a sign-in has to know besides the account.
SIGN_IN_COLUMNS: tuple[ColumnElement[Any], ...] = (IS_STRANGE, HAS_SECOND_FACTOR, TRUSTED_ID, *GUESS_COLUMNS)

# Whoever made an account is not told of their first sign-in.
NEW_FOR = timedelta(days=1)


@dataclass(slots=True)
class PasswordAttempt:
    """One try with a password: `identifier` is a user name or an e-mail address."""

    method: "PasswordMethod"
    identifier: str
    password: str = field(repr=False)
    info: RequestInfo
    device: Device
    _verified: "Verified | None" = None

    async def prove(self) -> Proof:
        """Check the password; an unknown name costs the same work as a wrong one.

        Raises:
            InvalidCredentials: no account has this name with this password.
            TooManyAttempts: whoever this is has guessed wrong too often; whether the password is right is not told.
            TooManyRequests: the account has been signed in to too often of late.
            HashingBusy: too many people are signing in.
        """
        self._verified = await self.method.verify(self)
        return self._verified.proof

    async def succeeded(self) -> None:
        """Count the sign-in, and replace the hash of an earlier system."""
        if self._verified is not None:
            await self.method.settle(self, self._verified)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a right password proves; `asker` is whose turn at hashing it was, and `rated` whose rate it counts on."""

    proof: Proof
    needs_rehash: bool
    asker: Asker
    rated: str


@dataclass(frozen=True, slots=True)
class Found:
    """The account of a name, what a guess for it counts on, and what else a sign-in has to know.

    Its owner is told of a device that is new. `trusted_id` is the trusted device that asks, if it is one.
    """

    user: User | None
    counters: Sequence[Counter]
    is_new_device: bool
    has_second_factor: bool
    trusted_id: int | None


class PasswordMethod:
    """Makes attempts by password, and checks them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        guesses: Guesses,
        rates: RateLimits,
        decision: Decision,
        *,
        trust_life: timedelta,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._guesses = guesses
        self._rates = rates
        self._decision = decision
        self._trust_life = trust_life

    def attempt(
        self, identifier: str, password: str, *, info: RequestInfo, device: Device = UNKNOWN_DEVICE
    ) -> PasswordAttempt:
        """Begin an attempt."""
        return PasswordAttempt(self, identifier, password, info, device)

    async def verify(self, attempt: PasswordAttempt) -> Verified:
        """Check an attempt; see `PasswordAttempt.prove`."""
        info, device = attempt.info, attempt.device
        name = canonical_identifier(attempt.identifier)
        counted = counted_name(attempt.identifier, name)
        found = await self._find(name, counted, info=info, device=device)
        user = found.user
        # A name that nobody has waits in its own turn, too: whose turn it is tells nothing. Those who guess it are
        # not in the turn of its owner's device.
        is_known = user is not None and device.belongs_to(user)
        asker = turn_of(info, f"{counted} known" if is_known else counted)
        # Looked up for a name that nobody has, too, which costs the time that it takes to ask Redis.
        rated = (
            _rated(user, found.counters[0], has_second_factor=found.has_second_factor) if user is not None else "nobody"
        )
        await self._rates.require_room(Rate.SIGN_IN, rated)
        verdict = await self._passwords.verify(attempt.password, user.password_hash if user else None, asker=asker)
        if user is None or not verdict.is_right:
            refusal = Refusal.UNKNOWN_ACCOUNT if user is None else Refusal.WRONG_PASSWORD
            raise await self._decision.refuse(refusal, user, found.counters, info=info)
        now = self._clock.now()
        proved = [Proved(Method.PASSWORD, now)]
        if found.has_second_factor and found.trusted_id is not None:
            proved.append(Proved(Method.TRUSTED_DEVICE, now, found.trusted_id))
        proof = Proof(user, tuple(proved), found.has_second_factor, found.counters, is_new_device=found.is_new_device)
        return Verified(proof, needs_rehash=verdict.needs_rehash, asker=asker, rated=rated)

    async def settle(self, attempt: PasswordAttempt, verified: Verified) -> None:
        """Do what comes after a sign-in; see `PasswordAttempt.succeeded`."""
        user = verified.proof.user
        await self._rates.hit(Rate.SIGN_IN, verified.rated)
        if verified.needs_rehash:
            # After the sign-in, so that its time tells nothing before a verdict.
            with suppress(HashingBusy):  # the next sign-in does it
                better_hash = await self._passwords.hash(attempt.password, asker=verified.asker)
                await self._replace_hash(user, better_hash, info=attempt.info)

    async def _find(self, name: tuple[str, str] | None, counted: str, *, info: RequestInfo, device: Device) -> "Found":
        """Return the account, and what its sign-in has to know.

        A device is known by its token. Without one it is known by where it is and what it calls itself, which anybody
        can copy, but not from elsewhere. Once its owner has disowned a session, a token of before is not enough: the
        thief may have kept one.
        """
        guess = self._guesses.guess(counted, info=info, device=device)
        values = {
            "device": describe(info.user_agent),
            "new_since": self._clock.now() - NEW_FOR,
            **trust_params(device, now=self._clock.now(), life=self._trust_life),
            **guess.values(),
        }
        async with self._db.read() as tx:
            user, beside = await Users(tx).named(name, SIGN_IN_COLUMNS, values)
        is_strange, has_second_factor, trusted_id, *guessed = beside
        is_known = user is not None and device.is_known_to(user)
        return Found(
            user,
            self._guesses.admit(guess, user, guessed),
            is_new_device=bool(is_strange) and not is_known,
            has_second_factor=bool(has_second_factor),
            trusted_id=trusted_id,
        )

    @retry_conflicts
    async def _replace_hash(self, user: User, better_hash: str, *, info: RequestInfo) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            if await Users(tx).replace_hash(user.id, old=user.password_hash, new=better_hash, now=now):
                record(tx, AuditEvent.PASSWORD_REHASHED, at=now, user_id=user.id, info=info)


def _rated(user: User, counter: Counter, *, has_second_factor: bool) -> str:
    """Return what a right password counts on: the account, wherever it comes from.

    With a second factor it may come from a thief who gets no further, and must not use up what the owner has. Then
    devices, sessions and places that the account knows count apart, as wrong passwords do, and all strangers together.
    """
    if not has_second_factor:
        return str(user.id)
    return f"{user.id} {'strangers' if counter.kind is CounterKind.ACCOUNT else counter.subject}"
