"""The second factors of an account: checking what somebody shows, whichever factor it is of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gatepost.core.clock import Clock
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.proofs import Proved
from gatepost.identity.factors.methods import Method
from gatepost.identity.links.mails import notify
from gatepost.identity.throttling.counters import OF_CODES
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.guesses import Guesses
from gatepost.mail.outbox import MailKind


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody shows: a code, or what their browser has made of a challenge with a passkey.

    `bound_to` is what the challenge must have been made in: the digest of a pending sign-in's token.
    """

    method: Method
    code: str = field(default="", repr=False)
    challenge_id: str = field(default="", repr=False)
    credential: object = field(default=None, repr=False)
    bound_to: str = field(default="", repr=False)


class FactorMethod(Protocol):
    """A second factor. One that can be guessed makes those wait who do."""

    name: Method
    is_guessable: bool

    async def use(self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo) -> Proved | None:
        """Use an answer up in the caller's transaction, which holds the account; None where it is not right."""


class SecondFactors:
    """Checks answers, in transactions of its callers, who hold the account and commit whatever the verdict is."""

    def __init__(self, clock: Clock, guesses: Guesses, methods: Sequence[FactorMethod]) -> None:
        self._clock = clock
        self._guesses = guesses
        self._methods: Mapping[Method, FactorMethod] = {method.name: method for method in methods}

    async def check(
        self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo, device: Device
    ) -> Proved | None:
        """Return what an answer proves; None where it is wrong, which is counted.

        Raises:
            TooManyAttempts: too many codes were wrong; whether this one was right is not told.
        """
        method = self._methods[answer.method]
        if not method.is_guessable:
            return await method.use(tx, user, answer, info=info)
        counters = self._guesses.of_second_factors(user, info=info, device=device)
        await self._guesses.check(tx, counters)
        proved = await method.use(tx, user, answer, info=info)
        if proved is not None:
            await self._guesses.record_success(tx, counters, user, info=info)
            return proved
        began = await self._guesses.record_failure(tx, counters, info=info, user_id=user.id)
        if not set(began).isdisjoint(OF_CODES):
            # Once wrong codes begin to make somebody wait: whoever guesses has the password.
            await notify(tx, MailKind.CODES_GUESSED, user, at=self._clock.now(), info=info)
        return None
