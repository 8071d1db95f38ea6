"""JSON of proving one's identity again."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.http.schemas import In, Out
from gatepost.identity.assurance.second_factors import Answer
from gatepost.identity.credentials.passkeys.challenges import session_bond
from gatepost.identity.credentials.passkeys.schemas import ChallengeId, Credential
from gatepost.identity.credentials.schemas import require_fields_of
from gatepost.identity.factors.methods import Method


class ReauthenticationRequest(In):
    """A method, and what it needs: `password`, `code`, or with a passkey `challengeId` and `credential`."""

    method: Literal["password", "totp", "recovery_code", "passkey", "email_code"] = Field(examples=["password"])
    password: Annotated[str, Field(max_length=LONGEST_PASSWORD)] | None = Field(
        default=None, repr=False, examples=["123456"]
    )
    code: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(default=None, repr=False, examples=[None])
    challenge_id: ChallengeId | None = Field(default=None, repr=False, examples=[None])
    credential: Credential | None = Field(default=None, repr=False, examples=[None])

    @model_validator(mode="after")
    def _has_what_its_method_takes(self) -> Self:
        require_fields_of(self.method, self)
        return self

    def answer(self, session_id: int) -> Answer:
        """Return what is shown, in a session."""
        return Answer(
            Method(self.method),
            code=self.password or self.code or "",
            challenge_id=self.challenge_id or "",
            credential=self.credential,
            bound_to=session_bond(session_id),
        )


class ReauthenticationResponse(Out):
    """An access token that contains the proof. The refresh token of the session stays as it is."""

    token_type: Literal["Bearer"]
    access_token: str | None = Field(
        repr=False, description="Null where it is in a cookie.", examples=["eyJhbGciOiJFUzI1NiIs…"]
    )
    expires_in: int = Field(description="Seconds.", examples=[86400])
    acr: str = Field(description="How well the person has proved their identity.", examples=["urn:gatepost:acr:1"])
    auth_time: datetime = Field(
        description="When the person last proved their identity.", examples=["2026-01-31T12:00:00Z"]
    )
