"""What all kinds of providers share: their settings, the request of the browser, and the code's redemption."""

import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from gatepost.core.clock import Clock
from gatepost.core.outbound import Outbound
from gatepost.identity.providers import apple
from gatepost.identity.providers.presets import Kind
from gatepost.identity.providers.profile import ProviderProfile
from gatepost.identity.providers.provider import (
    AuthorizationAnswer,
    AuthorizationRequest,
    ProviderRefused,
    ProviderUnavailable,
)
from gatepost.identity.providers.remote import Remote
from gatepost.identity.providers.settings import ProviderSettings

logger = logging.getLogger("gatepost")

# What `check` tries to redeem: every provider refuses it, but only after it has looked at our credentials.
NO_CODE = "gatepost-check"


class BaseProvider(ABC):
    """A provider by its settings. Kinds say how the two steps of a sign-in go; whatever fails is logged here."""

    def __init__(self, settings: ProviderSettings, outbound: Outbound, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.remote = Remote(outbound, named=settings.issuer)

    @property
    def name(self) -> str:
        """The name in addresses."""
        return self.settings.name

    @property
    def title(self) -> str:
        """The name for people."""
        return self.settings.title

    @property
    def kind(self) -> str:
        """The kind."""
        return self.settings.kind

    @property
    def answers_by_post(self) -> bool:
        """Whether the answer comes as a form."""
        return self.settings.preset.answers_by_post

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the browser has to go."""
        with self._logged():
            return await self.find_authorization_url(request)

    async def profile(self, answer: AuthorizationAnswer) -> ProviderProfile:
        """Redeem the code, and return who has signed in."""
        with self._logged():
            return await self.find_profile(answer)

    @abstractmethod
    async def find_authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the browser has to go."""

    @abstractmethod
    async def find_profile(self, answer: AuthorizationAnswer) -> ProviderProfile:
        """Redeem the code, and return who has signed in."""

    @abstractmethod
    async def check(self, *, redirect_uri: str) -> str:
        """Ask for what a sign-in needs, and return what was found."""

    def has_proved_factors(self, profile: ProviderProfile) -> bool:
        """Whether the settings believe that this sign-in took several factors."""
        believed = self.settings.second_factor_amr
        return profile.acr in self.settings.second_factor_acr or any(word in believed for word in profile.amr)

    def authorization_parameters(self, request: AuthorizationRequest) -> dict[str, str | None]:
        """Return the parameters that every kind has (RFC 6749, section 4.1.1; RFC 7636, section 4.3)."""
        preset = self.settings.preset
        return {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": self.settings.scopes or preset.scopes,
            "state": request.state,
            "code_challenge": request.code_challenge if preset.has_pkce else None,
            "code_challenge_method": "S256" if preset.has_pkce else None,
            "prompt": preset.prompt if request.must_prompt else None,
            "login_hint": request.login_hint,
        }

    async def redeem(self, token_endpoint: str, answer: AuthorizationAnswer, *, basic: bool) -> dict[str, object]:
        """Redeem a code for tokens.

        Raises:
            ProviderUnavailable: the provider cannot be asked, or refuses our credentials.
            ProviderRefused: CODE or TOKEN_ANSWER.
        """
        verifier = {"code_verifier": answer.code_verifier} if self.settings.preset.has_pkce else {}
        return await self.remote.tokens(
            token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": answer.code,
                "redirect_uri": answer.redirect_uri,
                **verifier,
            },
            client_id=self.settings.client_id,
            client_secret=self._client_secret(),
            basic=basic,
        )

    async def check_credentials(self, token_endpoint: str, redirect_uri: str, *, basic: bool) -> None:
        """Find out whether the provider knows us, with a code that it never gave out.

        Raises:
            ProviderUnavailable: it cannot be asked, or does not know us.
        """
        verifier = secrets.token_urlsafe(32)
        answer = AuthorizationAnswer(NO_CODE, iss=None, code_verifier=verifier, nonce="", redirect_uri=redirect_uri)
        try:
            await self.redeem(token_endpoint, answer, basic=basic)
        except ProviderRefused:
            return

    @contextmanager
    def _logged(self) -> Iterator[None]:
        try:
            yield
        except ProviderUnavailable as error:
            logger.warning("nobody can sign in by %s now: %s", self.name, error)
            raise
        except ProviderRefused as error:
            logger.warning("a sign-in by %s is refused: %s", self.name, error)
            raise

    def _client_secret(self) -> str:
        if self.settings.kind is Kind.APPLE:
            return apple.client_secret(self.settings, now=self.clock.now())
        secret = self.settings.client_secret
        return secret.get_secret_value() if secret is not None else ""
