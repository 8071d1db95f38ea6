"""Signing in, by whatever method: prove, decide, open."""

from collections.abc import Collection

from gatepost.core.logs.context import Act, note_act
from gatepost.identity.assurance.decision import Decision, Refusal
from gatepost.identity.assurance.matrix import Outcome
from gatepost.identity.assurance.opening import SessionOpening
from gatepost.identity.assurance.pending import SignInContinuation
from gatepost.identity.assurance.proofs import Attempt
from gatepost.identity.sessions.handout import SignedIn

# What was proved, or its account, may change between reading it and opening the session; then it is read once more.
READINGS = 2


class SignInService:
    """Takes an attempt from its proof to a session."""

    def __init__(self, decision: Decision, opening: SessionOpening, continuation: SignInContinuation) -> None:
        self._decision = decision
        self._opening = opening
        self._continuation = continuation

    async def sign_in(self, attempt: Attempt, *, replaces: Collection[int] = ()) -> SignedIn:
        """Sign in whoever proves who they are; sessions whose ids are in `replaces`, of whatever account, end with it.

        Raises:
            InvalidCredentials: nothing is proved, or the account has changed meanwhile.
            SecondFactorRequired: it is, and the account wants more than that.
            AccountDisabled, EmailUnverified: it is, and the account may not sign in.
            TooManyAttempts: whoever this is has guessed wrong too often; whether this was right is not told.
            TooManyRequests: the account has been signed in to too often of late.
            HashingBusy: too many people are signing in.
        """
        note_act(Act.SIGN_IN)
        for _ in range(READINGS):
            proof = await attempt.prove()
            refusal = self._decision.refusal(proof.user)
            if refusal is not None:
                break
            if self._decision.outcome(proof) is not Outcome.SESSION:
                pending = await self._continuation.ask_for_more(proof, info=attempt.info)
                if pending is not None:
                    await attempt.succeeded()
                    raise pending
                continue
            signed_in = await self._opening.open(proof, info=attempt.info, replaces=replaces)
            if signed_in is not None:
                await attempt.succeeded()
                return signed_in
        refusal = refusal or Refusal.ACCOUNT_CHANGED
        raise await self._decision.refuse(refusal, proof.user, proof.counters, info=attempt.info)
