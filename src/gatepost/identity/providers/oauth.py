"""Providers with OAuth alone: who has signed in is asked from their API."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gatepost.identity.providers.base import BaseProvider
from gatepost.identity.providers.claims import profile_of
from gatepost.identity.providers.presets import Kind
from gatepost.identity.providers.profile import ProviderProfile
from gatepost.identity.providers.provider import (
    AuthorizationAnswer,
    AuthorizationRequest,
    ProviderRefused,
    Refusal,
)
from gatepost.identity.providers.remote import Remote, with_parameters

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Api:
    """The addresses of a provider, and how it tells who somebody is, in the words of OpenID Connect."""

    authorization_endpoint: str
    token_endpoint: str
    claims: Callable[[Remote, str], Awaitable[Claims]]


class OAuthProvider(BaseProvider):
    """A provider without ID tokens. There is no nonce either: state and PKCE tie the answer to the browser."""

    @property
    def _api(self) -> Api:
        return APIS[self.settings.kind]

    async def find_authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the browser has to go."""
        return with_parameters(self._api.authorization_endpoint, self.authorization_parameters(request))

    async def find_profile(self, answer: AuthorizationAnswer) -> ProviderProfile:
        """Redeem the code, and ask who has signed in."""
        if answer.iss not in (None, self.settings.preset.answer_issuer):
            raise ProviderRefused(Refusal.ANSWER_ISSUER)
        tokens = await self.redeem(self._api.token_endpoint, answer, basic=False)
        access_token = tokens.get("access_token")
        if not isinstance(access_token, str) or str(tokens.get("token_type")).lower() != "bearer":
            raise ProviderRefused(Refusal.TOKEN_ANSWER)
        claims = await self._api.claims(self.remote, access_token)
        return profile_of(claims, self.settings, issuer=self.settings.address)

    async def check(self, *, redirect_uri: str) -> str:
        """Ask whether our credentials are accepted."""
        await self.check_credentials(self._api.token_endpoint, redirect_uri, basic=False)
        return f"{self.settings.address} accepts client_id and its secret"


async def _of_github(remote: Remote, access_token: str) -> Claims:
    headers = {
        "Authorization": f"Bearer {access_token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    user = await remote.json("https://api.github.com/user", headers)
    emails = await remote.json("https://api.github.com/user/emails", headers)
    if not isinstance(user, dict) or type(user.get("id")) is not int or not isinstance(emails, list):
        raise ProviderRefused(Refusal.PROFILE)
    # The address of a profile is chosen freely; in this list, GitHub says what it has verified.
    primary = next((one for one in emails if isinstance(one, dict) and one.get("primary") is True), {})
    return {
        "sub": str(user["id"]),
        "preferred_username": user.get("login"),
        "name": user.get("name"),
        "email": primary.get("email"),
        "email_verified": primary.get("verified"),
    }


async def _of_discord(remote: Remote, access_token: str) -> Claims:
    user = await remote.json("https://discord.com/api/users/@me", {"Authorization": f"Bearer {access_token}"})
    if not isinstance(user, dict):
        raise ProviderRefused(Refusal.PROFILE)
    return {
        "sub": user.get("id"),
        "preferred_username": user.get("username"),
        "name": user.get("global_name"),
        "email": user.get("email"),
        "email_verified": user.get("verified"),
    }


APIS: Mapping[Kind, Api] = {
    Kind.GITHUB: Api(
        "https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token", _of_github
    ),
    Kind.DISCORD: Api("https://discord.com/oauth2/authorize", "https://discord.com/api/oauth2/token", _of_discord),
}
