"""JSON of signing up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from gatepost.flows.signup.service import PasskeyAnswer, SignUpCommand
from gatepost.http.schemas import In, Out, unusable
from gatepost.identity.accounts.names import parse_email, parse_wanted_name
from gatepost.identity.accounts.schemas import EmailAddress, NewPassword, Username
from gatepost.identity.credentials.passkeys.schemas import ChallengeId, Credential
from gatepost.identity.credentials.recovery_codes.schemas import ShownCodes
from gatepost.identity.invitations.models import Invitation
from gatepost.identity.registration.service import NewAccount, username_of
from gatepost.identity.sessions.handout import SignedIn, SignInResponse, answer_of


class SignUpRequest(In):
    """A new account."""

    username: Username = Field(examples=["Abbey Salami"])
    email: EmailAddress = Field(examples=["heba@gmail.com"])
    challenge_id: ChallengeId | None = Field(
        default=None, repr=False, description="With a passkey, in the place of a password.", examples=[None]
    )
    credential: Credential | None = Field(
        default=None, repr=False, description="With a passkey, in the place of a password.", examples=[None]
    )
    # After these, which decide whether it is required.
    password: NewPassword | None = Field(default=None, repr=False, validate_default=True, examples=["123456"])
    roles: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=16)] | None = Field(
        default=None,
        description="Roles cannot be chosen at sign-up; only `user` is accepted.",
        examples=[["user"]],
    )

    invitation: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, repr=False, description="The token of an invitation.", examples=[None]
    )

    @field_validator("password")
    @classmethod
    def _is_one_way(cls, password: str | None, info: ValidationInfo) -> str | None:
        parts = [info.data[name] for name in ("challenge_id", "credential") if info.data.get(name) is not None]
        if password is None and not parts:
            raise PydanticCustomError("missing", "Field required")
        with unusable("one_way_needed"):
            if len(parts) != (2 if password is None else 0):
                raise ValueError("either password, or challengeId and credential, is required")
        return password

    def command(self) -> SignUpCommand:
        """Return it with its names in both forms.

        Raises:
            UsernameInvalid: the user name is an e-mail address, but not the one in `email`.
        """
        email = parse_email(self.email)
        account = NewAccount(username_of(parse_wanted_name(self.username), email=email), email, self.password or "")
        passkey = PasskeyAnswer(self.challenge_id, self.credential) if self.challenge_id is not None else None
        return SignUpCommand(account, roles=self.roles or [], invitation=self.invitation, passkey=passkey)


class PasskeySignUpRequest(In):
    """The names of the new account; the passkey shows the user name."""

    username: Username = Field(examples=["Abbey Salami"])
    email: EmailAddress = Field(examples=["heba@gmail.com"])
    invitation: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, repr=False, description="The token of an invitation.", examples=[None]
    )

    def account(self) -> NewAccount:
        """Return it with its names in both forms.

        Raises:
            UsernameInvalid: the user name is an e-mail address, but not the one in `email`.
        """
        email = parse_email(self.email)
        return NewAccount(username_of(parse_wanted_name(self.username), email=email), email, "")


class SignUpResponse(SignInResponse):
    """The answer of a sign-in, with a message to show."""

    message: str = Field(examples=["User registered successfully!"])

    @classmethod
    def of(cls, signed_in: SignedIn, *, with_tokens: bool) -> Self:
        """Answer a sign-up."""
        return cls(**answer_of(signed_in, with_tokens=with_tokens), message="User registered successfully!")


class PasskeySignUpResponse(SignUpResponse):
    """The answer of a sign-up with a passkey, with recovery codes."""

    recovery_codes: ShownCodes = Field(
        description="Ten, shown only once. With one of them, and a password that is set by mail, the account is "
        "recovered when the passkey is lost."
    )

    @classmethod
    def with_codes(cls, answer: SignUpResponse, recovery_codes: Sequence[str]) -> Self:
        """Answer a sign-up with a passkey."""
        return cls(**answer.model_dump(), recovery_codes=list(recovery_codes))


class InvitationLinkRequest(In):
    """The token of an invitation's link."""

    token: Annotated[str, Field(min_length=1, max_length=128)] = Field(repr=False, examples=["gpt_9Jq3…"])


class InvitationLink(Out):
    """The address and the expiry date of an invitation."""

    email: str = Field(examples=["heba@gmail.com"])
    expires_at: datetime = Field(examples=["2026-02-07T12:00:00Z"])

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Show what the holder of the token may know."""
        return cls(email=invitation.email, expires_at=invitation.expires_at)
