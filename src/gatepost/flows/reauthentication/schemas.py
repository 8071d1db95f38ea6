"""JSON of proving once more who one is."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.http.schemas import In, Out, unusable
from gatepost.identity.assurance.second_factors import Answer
from gatepost.identity.factors.methods import Method


class ReauthenticationRequest(In):
    """A method, and what it needs: `password` for itself, and `code` for the others."""

    method: Literal["password", "totp", "recovery_code"] = Field(examples=["password"])
    password: Annotated[str, Field(max_length=LONGEST_PASSWORD)] | None = Field(
        default=None, repr=False, examples=["123456"]
    )
    code: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(default=None, repr=False, examples=[None])

    @model_validator(mode="after")
    def _has_its_proof(self) -> Self:
        wanted = "password" if self.method == "password" else "code"
        given = {name for name in ("password", "code") if getattr(self, name) is not None}
        with unusable("proof_needed"):
            if given != {wanted}:
                raise ValueError(f"the method {self.method} needs {wanted}, and nothing else")
        return self

    @property
    def answer(self) -> Answer:
        """What is shown."""
        return Answer(Method(self.method), code=self.password or self.code or "")


class ReauthenticationResponse(Out):
    """An access token that tells of the proof. The refresh token of the session stays as it is."""

    token_type: Literal["Bearer"]
    access_token: str | None = Field(
        repr=False, description="Null where it is in a cookie.", examples=["eyJhbGciOiJFUzI1NiIs…"]
    )
    expires_in: int = Field(description="Seconds.", examples=[86400])
    acr: str = Field(description="How sure it is who the person is.", examples=["urn:gatepost:acr:1"])
    auth_time: datetime = Field(
        description="When the person last proved who they are.", examples=["2026-01-31T12:00:00Z"]
    )
