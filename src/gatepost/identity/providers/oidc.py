"""OpenID Providers: any by its issuer, and those that we know and that follow the standard."""

import re
from collections.abc import Mapping
from typing import Any

from gatepost.core.clock import Clock
from gatepost.core.outbound import Outbound
from gatepost.identity.providers import apple, id_token
from gatepost.identity.providers.base import BaseProvider
from gatepost.identity.providers.claims import profile_of
from gatepost.identity.providers.discovery import Metadata, discover
from gatepost.identity.providers.key_set import TENANT, KeySet
from gatepost.identity.providers.memory import Remembered
from gatepost.identity.providers.presets import Kind
from gatepost.identity.providers.profile import ProviderProfile
from gatepost.identity.providers.provider import (
    AuthorizationAnswer,
    AuthorizationRequest,
    ProviderRefused,
    ProviderUnavailable,
    Refusal,
)
from gatepost.identity.providers.remote import with_parameters
from gatepost.identity.providers.settings import MICROSOFT_CONSUMERS, ProviderSettings

SEVERAL_TENANTS = ("common", "organizations")
# What userinfo may add. How somebody has signed in is only said by the ID token, which is signed and made for it.
OF_USERINFO = ("email", "email_verified", "name", "preferred_username")
TENANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class OidcProvider(BaseProvider):
    """A provider that signs ID tokens. Its metadata and keys are remembered; its tokens are not."""

    def __init__(self, settings: ProviderSettings, outbound: Outbound, clock: Clock) -> None:
        super().__init__(settings, outbound, clock)
        self._metadata = Remembered(clock, self._discover)
        self._keys = Remembered(clock, self._read_keys)

    async def find_authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the browser has to go."""
        metadata = await self._metadata.get()
        parameters = self.authorization_parameters(request) | {
            "nonce": request.nonce,
            "response_mode": "form_post" if self.answers_by_post else None,
            "max_age": "0" if request.must_prompt else None,
        }
        return with_parameters(metadata.authorization_endpoint, parameters)

    async def find_profile(self, answer: AuthorizationAnswer) -> ProviderProfile:
        """Redeem the code, check the ID token, and ask for the address where the token lacks it."""
        metadata = await self._metadata.get()
        self._check_answer(answer, metadata)
        tokens = await self.redeem(metadata.token_endpoint, answer, basic=metadata.uses_basic)
        access_token = tokens.get("access_token")
        access_token = access_token if isinstance(access_token, str) else None
        claims = await self._verified(tokens.get("id_token"), metadata, answer, access_token)
        issuer = str(claims["iss"])
        if answer.iss not in (None, issuer):
            raise ProviderRefused(Refusal.ANSWER_ISSUER)
        if "email" not in claims and metadata.userinfo_endpoint is not None and access_token is not None:
            claims = {**await self._userinfo(metadata.userinfo_endpoint, access_token, claims["sub"]), **claims}
        name = apple.name_in(answer.user) if self.settings.kind is Kind.APPLE else None
        return profile_of(claims, self.settings, issuer=issuer, name=name)

    async def check(self, *, redirect_uri: str) -> str:
        """Ask for the metadata, the keys, and whether our credentials are accepted."""
        metadata = await self._metadata.get()
        await self._keys.get()
        await self.check_credentials(metadata.token_endpoint, redirect_uri, basic=metadata.uses_basic)
        return f"{metadata.issuer} has metadata and keys, and accepts client_id and its secret"

    async def _discover(self) -> Metadata:
        expected = None
        if self.settings.kind is Kind.MICROSOFT and self.settings.tenant in SEVERAL_TENANTS:
            expected = self.settings.preset.issuer.replace("{tenant}", TENANT)
        return await discover(self.remote, self.settings.address, expected=expected)

    async def _read_keys(self) -> KeySet:
        metadata = await self._metadata.get()
        keys = KeySet(await self.remote.json(metadata.jwks_uri))
        if not len(keys):
            raise ProviderUnavailable(f"{metadata.jwks_uri} has no key that can be used")
        return keys

    def _check_answer(self, answer: AuthorizationAnswer, metadata: Metadata) -> None:
        """Refuse an answer of another provider (RFC 9207); what it has is compared with the ID token's, too."""
        if answer.iss is None and metadata.names_issuer_in_answer:
            raise ProviderRefused(Refusal.ANSWER_ISSUER, "no iss")
        if answer.iss is not None and TENANT not in metadata.issuer and answer.iss != metadata.issuer:
            raise ProviderRefused(Refusal.ANSWER_ISSUER)

    async def _verified(
        self, text: object, metadata: Metadata, answer: AuthorizationAnswer, access_token: str | None
    ) -> Mapping[str, Any]:
        token = id_token.read(text)
        keys = await self._keys.get(lacks=lambda keys: keys.find(token.kid, token.algorithm) is None)
        expected = id_token.Expected(
            issuer=self._issuer_of(token.claims, metadata),
            client_id=self.settings.client_id,
            nonce=answer.nonce if self.settings.preset.has_nonce else None,
            access_token=access_token,
            now=self.clock.now(),
        )
        return id_token.verify(token, keys.find(token.kid, token.algorithm), expected)

    def _issuer_of(self, claims: Mapping[str, Any], metadata: Metadata) -> str:
        """Return the issuer that the token has to name: for several tenants, the one of its own tenant."""
        if self.settings.kind is not Kind.MICROSOFT:
            return metadata.issuer
        tenant = claims.get("tid")
        if not isinstance(tenant, str) or not TENANT_ID.fullmatch(tenant):
            raise ProviderRefused(Refusal.TENANT, "no tid")
        allowed = self.settings.allowed_tenants
        if (allowed and tenant not in allowed) or (
            self.settings.tenant == "organizations" and tenant == MICROSOFT_CONSUMERS
        ):
            raise ProviderRefused(Refusal.TENANT)
        return metadata.issuer.replace(TENANT, tenant)

    async def _userinfo(self, url: str, access_token: str, subject: str) -> Mapping[str, Any]:
        found = await self.remote.json(url, {"Authorization": f"Bearer {access_token}"})
        # OpenID Connect Core 1.0, section 5.3.2: another subject's must not be used.
        if not isinstance(found, dict) or found.get("sub") != subject:
            raise ProviderRefused(Refusal.PROFILE, "userinfo of another subject")
        return {name: found[name] for name in OF_USERINFO if name in found}
