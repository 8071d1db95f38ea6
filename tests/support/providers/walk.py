"""What a flow and a browser do between them, in a few lines."""

import hashlib
import html
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx

from gatepost.core.crypto import base64url
from gatepost.identity.providers.profile import ProviderProfile
from gatepost.identity.providers.provider import AuthorizationAnswer, AuthorizationRequest, Provider
from tests.support.providers.fake import FakeProvider

CALLBACK = "http://localhost:8080/api/auth/providers/acme/callback"
FIELD = re.compile(r"name='([^']+)' value='([^']*)'")


@dataclass
class Walk:
    """One sign-in by a provider."""

    provider: Provider
    upstream: FakeProvider
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    async def url(self, *, must_prompt: bool = False, login_hint: str | None = None) -> str:
        """Return where the browser is sent."""
        challenge = base64url.encode(hashlib.sha256(self.verifier.encode()).digest())
        return await self.provider.authorization_url(
            AuthorizationRequest(self.state, self.nonce, challenge, CALLBACK, must_prompt, login_hint)
        )

    async def answer(self, *, must_prompt: bool = False) -> dict[str, str]:
        """Go there, and return what comes back with the browser."""
        return await visit(self.upstream, await self.url(must_prompt=must_prompt))

    async def profile(self, answer: dict[str, str] | None = None, *, must_prompt: bool = False) -> ProviderProfile:
        """Return who has signed in."""
        answer = answer or await self.answer(must_prompt=must_prompt)
        assert answer["state"] == self.state
        return await self.provider.profile(
            AuthorizationAnswer(
                code=answer["code"],
                iss=answer.get("iss"),
                code_verifier=self.verifier,
                nonce=self.nonce,
                redirect_uri=CALLBACK,
                user=answer.get("user"),
            )
        )


async def visit(upstream: FakeProvider, url: str) -> dict[str, str]:
    """Open an authorization address of a fake as a browser does; return the parameters of its answer."""
    transport = httpx.ASGITransport(upstream)
    async with httpx.AsyncClient(transport=transport, base_url=upstream.base) as browser:
        page = await browser.get(url)
    if page.is_redirect:
        return {name: values[0] for name, values in parse_qs(urlsplit(page.headers["location"]).query).items()}
    assert page.is_success, page.text
    return {name: html.unescape(value) for name, value in FIELD.findall(page.text)}
