"""JSON of accounts."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from gatepost.accounts.models import User
from gatepost.accounts.names import parse_email, parse_username
from gatepost.accounts.service import NewAccount
from gatepost.core.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.http.schemas import In, Out


def _is_username(text: str) -> str:
    parse_username(text)
    return text


def _is_email(text: str) -> str:
    parse_email(text)
    return text


Username = Annotated[str, Field(max_length=255), AfterValidator(_is_username)]
EmailAddress = Annotated[str, Field(max_length=320), AfterValidator(_is_email)]
NewPassword = Annotated[str, Field(max_length=LONGEST_PASSWORD)]


class SignUpRequest(In):
    """A new account."""

    username: Username = Field(examples=["Abbey Salami"])
    email: EmailAddress = Field(examples=["heba@gmail.com"])
    password: NewPassword = Field(repr=False, examples=["123456"])
    roles: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=16)] = Field(
        default=[],
        description="Nobody chooses roles at sign-up; `user` alone is accepted.",
        examples=[["user"]],
    )

    def account(self) -> NewAccount:
        """Return it with its names in both forms."""
        return NewAccount(parse_username(self.username), parse_email(self.email), self.password)


class ProfileResponse(Out):
    """One's own account."""

    id: int = Field(examples=[1])
    username: str = Field(examples=["Abbey Salami"])
    email: str = Field(examples=["heba@gmail.com"])
    roles: list[str] = Field(examples=[["ROLE_USER"]])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    updated_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])

    @classmethod
    def of(cls, user: User) -> Self:
        """Show an account to its owner."""
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            roles=role_labels(user),
            created_at=user.created_at,
            updated_at=user.updated_at,
        )


def role_labels(user: User) -> list[str]:
    """Return the roles as clients read them: `ROLE_ADMIN` for `admin`."""
    return [f"ROLE_{name.upper()}" for name in user.role_names]
