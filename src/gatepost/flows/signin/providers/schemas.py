"""JSON of signing in with another provider."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from gatepost.flows.signin.providers.starting import StartCommand
from gatepost.http.schemas import In, Out, unusable
from gatepost.identity.accounts.names import Name, parse_username
from gatepost.identity.accounts.schemas import USERNAME, EmailAddress
from gatepost.identity.external.authorizations import Purpose
from gatepost.identity.providers.provider import Provider


def _is_plain_name(text: str) -> str:
    with unusable("username_invalid"):
        parse_username(text)
    return text


PlainName = Annotated[str, Field(max_length=255, json_schema_extra=USERNAME), AfterValidator(_is_plain_name)]
ReturnTo = Annotated[str, Field(min_length=1, max_length=2048)]


class ProviderResponse(Out):
    """A provider that is set up."""

    name: str = Field(description="In the addresses.", examples=["google"])
    title: str = Field(description="For people.", examples=["Google"])
    kind: str = Field(description="`oidc`, or that of a preset.", examples=["google"])

    @classmethod
    def of(cls, provider: Provider) -> Self:
        """Show a provider."""
        return cls(name=provider.name, title=provider.title, kind=provider.kind)


class ProvidersResponse(Out):
    """The ways to sign in that a deployment has besides passwords and passkeys."""

    providers: list[ProviderResponse]
    email_sign_in: bool = Field(description="Whether a code by mail signs in.", examples=[True])


class StartRequest(In):
    """What somebody goes to a provider for, and where they want to be afterwards."""

    purpose: Literal["signin", "link", "reauthenticate"] = Field(
        description="`signin`; or, for who is signed in: `link` lets the provider open the account from now on, "
        "`reauthenticate` proves once more who they are.",
        examples=["signin"],
    )
    return_to: ReturnTo | None = Field(
        default=None,
        description="A path of the service, or an address of an allowed origin. By default the account page.",
        examples=["/account"],
    )
    invitation: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, repr=False, description="The token of an invitation that is to be accepted.", examples=[None]
    )

    def command(self) -> StartCommand:
        """Return what is asked for."""
        return StartCommand(Purpose(self.purpose), self.return_to, self.invitation)


class StartResponse(Out):
    """Where the browser has to go."""

    authorization_url: str = Field(examples=["https://login.acme.example/authorize?client_id=…"])


class ContinueProviderRequest(In):
    """Nothing: the cookie says which sign-in."""


class ProviderEmailRequest(In):
    """The address that a code is sent to."""

    email: EmailAddress = Field(examples=["heba@gmail.com"])


class ProviderSignUpRequest(In):
    """An address, the code that it was sent, and a user name if it is to be another than the suggested one."""

    email: EmailAddress = Field(examples=["heba@gmail.com"])
    code: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        repr=False, description="Spaces and hyphens do not matter.", examples=["123 456"]
    )
    username: PlainName | None = Field(default=None, examples=["Abbey Salami"])

    @property
    def wanted_name(self) -> Name | None:
        """The user name, if there is one."""
        return parse_username(self.username) if self.username is not None else None
