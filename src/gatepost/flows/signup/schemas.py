"""JSON of signing up."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from gatepost.flows.signup.service import SignUpCommand
from gatepost.http.schemas import In, Out
from gatepost.identity.accounts.names import parse_email, parse_wanted_name
from gatepost.identity.accounts.schemas import EmailAddress, NewPassword, Username
from gatepost.identity.invitations.models import Invitation
from gatepost.identity.registration.service import NewAccount, username_of
from gatepost.identity.sessions.handout import SignedIn, SignInResponse, answer_of


class SignUpRequest(In):
    """A new account."""

    username: Username = Field(examples=["Abbey Salami"])
    email: EmailAddress = Field(examples=["heba@gmail.com"])
    password: NewPassword = Field(repr=False, examples=["123456"])
    roles: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=16)] | None = Field(
        default=None,
        description="Roles cannot be chosen at sign-up; only `user` is accepted.",
        examples=[["user"]],
    )

    invitation: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, repr=False, description="The token of an invitation.", examples=[None]
    )

    def command(self) -> SignUpCommand:
        """Return it with its names in both forms.

        Raises:
            UsernameInvalid: the user name is an e-mail address, but not the one in `email`.
        """
        email = parse_email(self.email)
        account = NewAccount(username_of(parse_wanted_name(self.username), email=email), email, self.password)
        return SignUpCommand(account, roles=self.roles or [], invitation=self.invitation)


class SignUpResponse(SignInResponse):
    """The answer of a sign-in, with a message to show."""

    message: str = Field(examples=["User registered successfully!"])

    @classmethod
    def of(cls, signed_in: SignedIn, *, with_tokens: bool) -> Self:
        """Answer a sign-up."""
        return cls(**answer_of(signed_in, with_tokens=with_tokens), message="User registered successfully!")


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
