"""JSON of accounts."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.flows.signup.service import SignUpWish
from gatepost.http.schemas import In, Out, unusable
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import LONGEST_EMAIL, parse_email, parse_existing_email, parse_wanted_name
from gatepost.identity.registration.service import NewAccount, ProfileChange, username_of


def _is_username(text: str) -> str:
    with unusable("username_unusable"):
        parse_wanted_name(text)
    return text


def _is_email(text: str) -> str:
    with unusable("email_unusable"):
        parse_email(text)
    return text


def _is_known_email(text: str) -> str:
    with unusable("email_unusable"):
        parse_existing_email(text)
    return text


# What a pattern can say of them; the rest is said by the code, which also words the refusal.
USERNAME = {"maxLength": LONGEST_EMAIL, "minLength": 1, "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}
EMAIL = {
    "format": "idn-email",
    "maxLength": LONGEST_EMAIL,
    "minLength": 3,
    "pattern": r"^\s*[^@\s\x00]+@[^@\s\x00]+\s*$",
}

Username = Annotated[str, Field(max_length=255, json_schema_extra=USERNAME), AfterValidator(_is_username)]
EmailAddress = Annotated[str, Field(max_length=320, json_schema_extra=EMAIL), AfterValidator(_is_email)]
# Of an account that is there, perhaps from another system.
KnownAddress = Annotated[str, Field(max_length=320, json_schema_extra=EMAIL), AfterValidator(_is_known_email)]
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

    invitation: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, repr=False, description="The token of an invitation.", examples=[None]
    )

    def wish(self) -> SignUpWish:
        """Return it with its names in both forms.

        Raises:
            UnusableUsername: the user name is another address than the one beside it.
        """
        email = parse_email(self.email)
        account = NewAccount(username_of(parse_wanted_name(self.username), email=email), email, self.password)
        return SignUpWish(account, roles=self.roles, invitation=self.invitation)


class ProfileChangeRequest(In):
    """What to change; what is left out stays."""

    username: Username | None = Field(default=None, examples=["Abbey Salami"])
    language: Literal["en", "de"] | None = Field(default=None, description="Of mails.", examples=["en"])

    def change(self) -> ProfileChange:
        """Return it with the name in both forms."""
        return ProfileChange(parse_wanted_name(self.username) if self.username else None, self.language)


class DeletionRequest(In):
    """The current password, for deleting one's account."""

    password: Annotated[str, Field(max_length=LONGEST_PASSWORD)] = Field(repr=False, examples=["123456"])


class DeletionResponse(Out):
    """When the account will be deleted."""

    erase_at: datetime = Field(examples=["2026-02-14T12:00:00Z"])
    message: str = Field(examples=["Your account will be deleted. Sign in before then to keep it."])


class ProfileResponse(Out):
    """One's own account."""

    id: int = Field(examples=[1])
    username: str = Field(examples=["Abbey Salami"])
    email: str = Field(examples=["heba@gmail.com"])
    email_verified: bool = Field(examples=[True])
    language: str = Field(description="Of mails.", examples=["en"])
    roles: list[str] = Field(examples=[["ROLE_USER"]])
    permissions: list[str] = Field(description="`*` is all.", examples=[[]])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    updated_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])

    @classmethod
    def of(cls, user: User) -> Self:
        """Show an account to its owner."""
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            email_verified=user.email_verified_at is not None,
            language=user.language,
            permissions=list(user.permissions),
            roles=role_labels(user),
            created_at=user.created_at,
            updated_at=user.updated_at,
        )


def role_labels(user: User) -> list[str]:
    """Return the roles as clients read them: `ROLE_ADMIN` for `admin`."""
    return [f"ROLE_{name.upper()}" for name in user.role_names]
