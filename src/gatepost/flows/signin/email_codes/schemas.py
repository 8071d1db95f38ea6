"""JSON of signing in with a code by mail."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from gatepost.flows.signin.email_codes.service import AskedFor, ShownCode, ShownLink
from gatepost.http.schemas import In, Out, unusable
from gatepost.identity.accounts.names import parse_existing_email
from gatepost.identity.accounts.schemas import KnownAddress

LinkToken = Annotated[str, Field(min_length=1, max_length=128)]


class EmailCodeRequest(In):
    """Where the code goes."""

    email: KnownAddress = Field(examples=["heba@gmail.com"])


class EmailCodeSignInRequest(In):
    """A code and the address that it went to, or the token of the link in the same mail."""

    email: KnownAddress | None = Field(default=None, examples=["heba@gmail.com"])
    code: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, repr=False, description="Spaces and hyphens do not matter.", examples=["123456"]
    )
    token: LinkToken | None = Field(default=None, repr=False, examples=[None])
    elsewhere: bool | None = Field(
        default=None,
        description="With a token: sign in here, although the mail was requested in another browser.",
        examples=[None],
    )

    @model_validator(mode="after")
    def _has_a_code_or_a_token(self) -> Self:
        with unusable("code_or_token_needed"):
            has_code = self.email is not None and self.code is not None
            if has_code == (self.token is not None) or (self.email is None) != (self.code is None):
                raise ValueError("either email and code, or token is required")
            if self.token is None and self.elsewhere is not None:
                raise ValueError("elsewhere goes with token")
        return self

    def shown(self, bound_to: str) -> ShownCode | ShownLink:
        """Return what is shown, in the browser that this names."""
        if self.token is not None:
            return ShownLink(self.token, None if self.elsewhere else bound_to)
        return ShownCode(parse_existing_email(self.email or ""), self.code or "", bound_to)


class EmailLinkRequest(In):
    """The token of a link."""

    token: LinkToken = Field(repr=False, examples=["gpt_9Jq3…"])


class EmailLinkResponse(Out):
    """Where a link was requested."""

    same_browser: bool = Field(description="Whether it was requested in this browser.", examples=[True])
    email: str = Field(examples=["heba@gmail.com"])
    device: str = Field(examples=["Firefox on Linux"])
    address: str = Field(description="Its IP address.", examples=["203.0.113.7"])
    at: datetime = Field(examples=["2026-01-31T12:00:00Z"])

    @classmethod
    def of(cls, asked: AskedFor) -> Self:
        """Show it."""
        return cls(
            same_browser=asked.is_here, email=asked.email, device=asked.device, address=asked.address, at=asked.at
        )
