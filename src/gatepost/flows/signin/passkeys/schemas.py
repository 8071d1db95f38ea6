"""JSON of signing in with a passkey."""

from pydantic import Field

from gatepost.flows.signin.schemas import PendingToken
from gatepost.http.schemas import In, Out
from gatepost.identity.credentials.passkeys.schemas import ChallengeId, Credential


class PasskeyOptionsRequest(In):
    """What the passkey is for: a sign-in with it alone, or the second factor of a pending sign-in."""

    pending_token: PendingToken | None = Field(
        default=None, repr=False, description="Of 401 `second_factor_required`.", examples=[None]
    )


class PasskeySignInRequest(In):
    """What the browser has answered."""

    challenge_id: ChallengeId = Field(repr=False)
    credential: Credential = Field(repr=False)


class RelatedOriginsResponse(Out):
    """The origins on other sites that may use the passkeys of this one (WebAuthn 3, section 5.11)."""

    origins: list[str] = Field(examples=[["https://example.org"]])
