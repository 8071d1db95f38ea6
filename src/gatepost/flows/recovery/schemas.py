"""JSON of verifying addresses and recovering accounts."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.flows.recovery.owners import FollowedLink
from gatepost.http.schemas import In, MessageResponse
from gatepost.identity.accounts.schemas import EmailAddress, KnownAddress, NewPassword
from gatepost.identity.credentials.passkeys.schemas import ChallengeId, Credential
from gatepost.identity.credentials.schemas import CurrentPassword, require_fields_of
from gatepost.identity.factors.methods import Method
from gatepost.identity.tokens.principal import UserPrincipal

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
    """The token of a mail link, and what shows that the account is theirs who are not signed in to it."""

    password: PasswordText | None = Field(
        default=None, repr=False, description="The password of the account or sign-up.", examples=[None]
    )
    challenge_id: ChallengeId | None = Field(
        default=None, repr=False, description="With a passkey: of `POST /api/auth/passkeys/options`.", examples=[None]
    )
    credential: Credential | None = Field(default=None, repr=False, description="With a passkey.", examples=[None])

    @model_validator(mode="after")
    def _has_one_proof(self) -> Self:
        given = (self.password, self.challenge_id, self.credential)
        if given != (None, None, None):
            require_fields_of(Method.PASSWORD if self.password is not None else Method.PASSKEY, self)
        return self

    def followed_by(self, caller: UserPrincipal | None) -> FollowedLink:
        """Return the link as `caller` follows it, who is signed in, or None."""
        return FollowedLink(self.token, caller, self.password, self.challenge_id, self.credential)


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
