"""JSON of signing in, in camelCase, and of the OAuth 2.0 token endpoint, in its own names."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.http.schemas import Form, In, unusable
from gatepost.identity.sessions.handout import TokenPair

Identifier = Annotated[str, Field(min_length=1, max_length=320)]
Password = Annotated[str, Field(max_length=LONGEST_PASSWORD)]


class SignInRequest(In):
    """A user name or an e-mail address, and the password."""

    username: Identifier | None = Field(default=None, description="User name, or e-mail.", examples=["Abbey Salami"])
    email: Identifier | None = Field(default=None, description="Instead of the user name.", examples=[None])
    password: Password = Field(repr=False, examples=["123456"])

    @model_validator(mode="after")
    def _names_one_account(self) -> Self:
        with unusable("one_identifier_needed"):
            if (self.username is None) == (self.email is None):
                raise ValueError("either username or email is needed")
        return self

    @property
    def identifier(self) -> str:
        """The one name that was given."""
        return self.username or self.email or ""


class TokenForm(Form):
    """The form of RFC 6749, sections 4.3.2 and 6."""

    grant_type: str = Field(min_length=1, max_length=64, examples=["password"])
    username: str | None = Field(default=None, max_length=320, examples=["Abbey Salami"])
    password: str | None = Field(default=None, max_length=LONGEST_PASSWORD, repr=False, examples=["123456"])
    refresh_token: str | None = Field(default=None, max_length=8192, repr=False)


class TokenAnswer(BaseModel):
    """The answer of RFC 6749, section 5.1."""

    access_token: str = Field(repr=False, examples=["eyJhbGciOiJFUzI1NiIs…"])
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.", examples=[86400])
    refresh_token: str = Field(repr=False, examples=["gpr_1.0.h3Zk…"])

    @classmethod
    def of(cls, tokens: TokenPair) -> Self:
        """Answer a grant."""
        return cls(
            access_token=tokens.access_token,
            token_type="Bearer",  # noqa: S106  a type, not a token
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
        )
