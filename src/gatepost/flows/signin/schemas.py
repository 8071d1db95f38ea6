"""JSON of the sign-in, in camelCase."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.core.crypto.secrets import digest_of
from gatepost.http.schemas import In, unusable
from gatepost.identity.assurance.second_factors import Answer
from gatepost.identity.credentials.passkeys.schemas import ChallengeId, Credential
from gatepost.identity.credentials.recovery_codes.schemas import ShownCodes
from gatepost.identity.credentials.schemas import require_fields_of
from gatepost.identity.factors.methods import Method
from gatepost.identity.sessions.handout import SignedIn, SignInResponse, answer_of

Identifier = Annotated[str, Field(min_length=1, max_length=320)]
Password = Annotated[str, Field(max_length=LONGEST_PASSWORD)]
PendingToken = Annotated[str, Field(min_length=1, max_length=128)]


class PendingRequest(In):
    """The token of a pending sign-in."""

    pending_token: PendingToken = Field(repr=False, examples=["gpq_9Jq3…"])


class ContinueRequest(PendingRequest):
    """The second factor, and the token of the pending sign-in that it continues."""

    method: Literal["totp", "recovery_code", "passkey"] = Field(examples=["totp"])
    code: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        repr=False,
        description="Of an app, or a recovery code. Spaces and hyphens do not matter.",
        examples=["123 456"],
    )
    trust_device: bool | None = Field(
        default=None, description="Whether to ask for no second factor on this device for some time.", examples=[True]
    )
    challenge_id: ChallengeId | None = Field(default=None, repr=False, description="With a passkey.", examples=[None])
    credential: Credential | None = Field(default=None, repr=False, description="With a passkey.", examples=[None])

    @model_validator(mode="after")
    def _has_what_its_method_takes(self) -> Self:
        require_fields_of(self.method, self)
        return self

    @property
    def answer(self) -> Answer:
        """What is shown."""
        return Answer(
            Method(self.method),
            code=self.code or "",
            challenge_id=self.challenge_id or "",
            credential=self.credential,
            bound_to=digest_of(self.pending_token),
        )


class EnrolledSignInResponse(SignInResponse):
    """The answer of a sign-in that has set up the first factor, with recovery codes."""

    recovery_codes: ShownCodes = Field(description="Ten, shown only once.")

    @classmethod
    def with_codes(cls, signed_in: SignedIn, *, with_tokens: bool) -> Self:
        """Answer it."""
        return cls(**answer_of(signed_in, with_tokens=with_tokens), recovery_codes=list(signed_in.recovery_codes))


class SignInRequest(In):
    """A user name or an e-mail address, and the password."""

    username: Identifier | None = Field(default=None, description="User name, or e-mail.", examples=["Abbey Salami"])
    email: Identifier | None = Field(default=None, description="Instead of the user name.", examples=[None])
    password: Password = Field(repr=False, examples=["123456"])

    @model_validator(mode="after")
    def _names_one_account(self) -> Self:
        with unusable("one_identifier_needed"):
            if (self.username is None) == (self.email is None):
                raise ValueError("either username or email is required")
        return self

    @property
    def identifier(self) -> str:
        """The user name or the e-mail address, whichever was sent."""
        return self.username or self.email or ""
