"""JSON of verifying addresses and recovering accounts."""

from typing import Annotated

from pydantic import Field

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.http.schemas import In, MessageResponse
from gatepost.identity.accounts.schemas import EmailAddress, KnownAddress, NewPassword
from gatepost.identity.credentials.schemas import CurrentPassword

LinkToken = Annotated[str, Field(min_length=1, max_length=128)]
PasswordText = Annotated[str, Field(max_length=LONGEST_PASSWORD)]
EXAMPLE_TOKEN = "gpt_9Jq3…"  # noqa: S105  an example


class AddressRequest(In):
    """The e-mail address of an account."""

    email: KnownAddress = Field(examples=["heba@gmail.com"])


class TokenRequest(In):
    """The token of a mail link."""

    token: LinkToken = Field(repr=False, examples=[EXAMPLE_TOKEN])


class VerifyRequest(TokenRequest):
    """The token of a mail link, and the password if the link completes a sign-up."""

    password: PasswordText | None = Field(
        default=None,
        repr=False,
        description="The password chosen at sign-up, if the link completes a sign-up. Other links do not need it.",
        examples=[None],
    )


class PasswordResetRequest(In):
    """The token of a mail link, and the new password."""

    token: LinkToken = Field(repr=False, examples=[EXAMPLE_TOKEN])
    password: NewPassword = Field(repr=False, examples=["correct horse"])


class PasswordChangeRequest(In):
    """The current password, and the new one."""

    current_password: CurrentPassword = None
    new_password: NewPassword = Field(repr=False, examples=["correct horse"])


class EmailChangeRequest(In):
    """The new address, and the current password."""

    email: EmailAddress = Field(examples=["heba@example.com"])
    current_password: CurrentPassword = None


class CompromiseReportResponse(MessageResponse):
    """What to tell the person, and whether a mail is on its way."""

    link_sent: bool = Field(examples=[True])
