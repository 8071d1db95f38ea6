"""What a flow does with a provider, whatever its kind."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gatepost.identity.providers.profile import ProviderProfile


class Refusal(StrEnum):
    """Why an answer is not believed, for the log and the audit log; callers get one error for all of them."""

    ANSWER_ISSUER = "answer_issuer"
    CODE = "code"
    TOKEN_ANSWER = "token_answer"  # noqa: S105  a reason, not a token
    ID_TOKEN = "id_token"  # noqa: S105
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TENANT = "tenant"
    EXPIRED = "expired"
    NONCE = "nonce"
    ACCESS_TOKEN_HASH = "access_token_hash"  # noqa: S105
    PROFILE = "profile"


class ProviderUnavailable(Exception):
    """The provider cannot be asked now: it is down or slow, or answers with something else. The message says why."""


class ProviderRefused(Exception):
    """What came back proves nothing."""

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the browser takes to the provider.

    `state`, `nonce` and the verifier behind `code_challenge` (S256, RFC 7636) are random and are used once. With
    `must_prompt` the person has to sign in there again.
    """

    state: str
    nonce: str
    code_challenge: str
    redirect_uri: str
    must_prompt: bool = False
    login_hint: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationAnswer:
    """What the browser brought back, and what the request had. `user` is Apple's form field of that name."""

    code: str = field(repr=False)
    iss: str | None
    code_verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    redirect_uri: str
    user: str | None = field(default=None, repr=False)


def callback_uri(base_url: str, name: str) -> str:
    """Return the address to which a provider sends the browser back; each has its own (RFC 9700, section 4.4)."""
    return f"{base_url}/api/auth/providers/{name}/callback"


class Provider(Protocol):
    """A provider that is set up. `kind` is that of its settings, such as `google` or `oidc`."""

    @property
    def name(self) -> str:
        """The name in addresses."""

    @property
    def title(self) -> str:
        """The name for people."""

    @property
    def kind(self) -> str:
        """The kind, such as `google` or `oidc`."""

    @property
    def answers_by_post(self) -> bool:
        """Whether the answer comes as a form that the provider's page posts, and so without `SameSite=Lax` cookies."""

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the browser has to go.

        Raises:
            ProviderUnavailable: the provider's metadata cannot be read.
        """

    async def profile(self, answer: AuthorizationAnswer) -> ProviderProfile:
        """Redeem the code, and return who has signed in.

        Raises:
            ProviderUnavailable: the provider cannot be asked.
            ProviderRefused: the answer proves nothing.
        """

    def has_proved_factors(self, profile: ProviderProfile) -> bool:
        """Whether this sign-in took several factors there, by what the settings of the provider believe."""

    async def check(self, *, redirect_uri: str) -> str:
        """Ask the provider for what a sign-in needs, and return in one line what was found.

        Raises:
            ProviderUnavailable: a sign-in would fail; the message says why.
        """
