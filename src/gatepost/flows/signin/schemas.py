"""JSON of the sign-in, in camelCase."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.http.schemas import In, unusable
from gatepost.identity.assurance.second_factors import Answer
from gatepost.identity.factors.methods import Method

Identifier = Annotated[str, Field(min_length=1, max_length=320)]
Password = Annotated[str, Field(max_length=LONGEST_PASSWORD)]


class ContinueRequest(In):
    """What goes on with a sign-in, and the second factor."""

    pending_token: Annotated[str, Field(min_length=1, max_length=128)] = Field(repr=False, examples=["gpq_9Jq3…"])
    method: Literal["totp", "recovery_code"] = Field(examples=["totp"])
    code: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        repr=False, description="Spaces and hyphens do not matter.", examples=["123 456"]
    )
    trust_device: bool | None = Field(
        default=None, description="Whether to ask for no second factor on this device for some time.", examples=[True]
    )

    @property
    def answer(self) -> Answer:
        """What is shown."""
        return Answer(Method(self.method), code=self.code)


class SignInRequest(In):
    """A user name or an e-mail address, and the password."""

    username: Identifier | None = Field(default=None, description="User name, or e-mail.", examples=["Abbey Salami"])
    email: Identifier | None = Field(default=None, description="Instead of the user name.", examples=[None])
    password: Password = Field(repr=False, examples=["123456"])

    @model_validator(mode="after")
    def _names_one_account(self) -> Self:
        with unusable("one_identifier_needed"):
            if (self.username is None) == (self.email is None):
                raise ValueError("either username or email is required")
        return self

    @property
    def identifier(self) -> str:
        """The user name or the e-mail address, whichever was sent."""
        return self.username or self.email or ""
