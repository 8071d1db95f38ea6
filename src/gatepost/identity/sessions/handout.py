"""The result of a sign-in: an account with its tokens, and its JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from gatepost.http.schemas import Out
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.schemas import role_labels


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token and a refresh token, each with its remaining lifetime in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int

    def __repr__(self) -> str:
        return "TokenPair(<hidden>)"


@dataclass(frozen=True, slots=True, repr=False)
class AccessToken:
    """An access token, with its remaining lifetime in seconds, and the level and time of the last authentication."""

    token: str
    expires_in: int
    acr: str
    authenticated_at: datetime


@dataclass(frozen=True, slots=True, repr=False)
class HeldTokens:
    """Tokens that a client sent, valid or not, by the kind that they were sent as."""

    access: Sequence[str] = ()
    refresh: Sequence[str] = ()

    def __bool__(self) -> bool:
        return any(self.access) or any(self.refresh)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account with its new tokens, and recovery codes if it has just set up its first factor."""

    user: User
    tokens: TokenPair
    recovery_codes: Sequence[str] = field(default=(), repr=False)


class SignInResponse(Out):
    """Who signed in, and the tokens; with cookie transport the tokens are null here and in cookies instead."""

    id: int = Field(examples=[1])
    username: str = Field(examples=["Abbey Salami"])
    email: str = Field(examples=["heba@gmail.com"])
    roles: list[str] = Field(examples=[["ROLE_USER"]])
    token_type: Literal["Bearer"]
    access_token: str | None = Field(repr=False, examples=["eyJhbGciOiJFUzI1NiIs…"])
    expires_in: int = Field(description="Seconds.", examples=[86400])
    refresh_token: str | None = Field(repr=False, examples=["gpr_1.0.h3Zk…"])
    refresh_expires_in: int = Field(description="Seconds.", examples=[2592000])

    @classmethod
    def of(cls, signed_in: SignedIn, *, with_tokens: bool) -> Self:
        """Build the answer to a sign-in."""
        return cls(**answer_of(signed_in, with_tokens=with_tokens))


def answer_of(signed_in: SignedIn, *, with_tokens: bool) -> dict[str, object]:
    """Return the fields of the answer; the tokens are None if they are in cookies."""
    user, tokens = signed_in.user, signed_in.tokens
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "roles": role_labels(user),
        "token_type": "Bearer",
        "access_token": tokens.access_token if with_tokens else None,
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh_token if with_tokens else None,
        "refresh_expires_in": tokens.refresh_expires_in,
    }
