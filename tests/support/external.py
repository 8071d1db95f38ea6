"""Another provider as the service sees it, and a browser that goes there and comes back."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from gatepost.composition.services import Services
from gatepost.identity.providers.profile import ProviderProfile
from gatepost.identity.providers.provider import (
    AuthorizationAnswer,
    AuthorizationRequest,
    ProviderRefused,
    ProviderUnavailable,
    Refusal,
)
from gatepost.identity.providers.registry import Providers
from tests.support.api import Api, Person

PATH = "/api/auth/providers"
ISSUER = "https://login.acme.example"
COOKIE = "gatepost_provider"
PROFILE = ProviderProfile(
    issuer=ISSUER,
    subject="248289761001",
    email="abbey.salami@example.com",
    is_email_verified=True,
    name="Abbey Salami",
)


@dataclass
class FakeProvider:
    """A provider that says `profile` of everybody, and whose codes are the states that it was asked with."""

    name: str = "acme"
    profile_told: ProviderProfile = PROFILE
    title: str = "Acme"
    kind: str = "oidc"
    answers_by_post: bool = False
    is_down: bool = False
    proves_factors: bool = False
    requests: list[AuthorizationRequest] = field(default_factory=list)
    answers: list[AuthorizationAnswer] = field(default_factory=list)

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return an address with the state in it."""
        if self.is_down:
            raise ProviderUnavailable("it is down")
        self.requests.append(request)
        return f"{ISSUER}/authorize?state={request.state}"

    async def profile(self, answer: AuthorizationAnswer) -> ProviderProfile:
        """Check that the answer belongs to a request, as a provider checks the verifier and the nonce."""
        if self.is_down:
            raise ProviderUnavailable("it is down")
        self.answers.append(answer)
        for request in self.requests:
            expected = (f"code of {request.state}", request.nonce, request.redirect_uri, request.code_challenge)
            if (answer.code, answer.nonce, answer.redirect_uri, _challenge(answer.code_verifier)) == expected:
                return self.profile_told
        raise ProviderRefused(Refusal.CODE)

    def has_proved_factors(self, profile: ProviderProfile) -> bool:
        """Whether the settings of this test say so."""
        return self.proves_factors

    async def check(self, *, redirect_uri: str) -> str:
        """Find everything in order."""
        return "ok"

    def tells(self, **changes: Any) -> None:
        """Say something else of everybody from now on."""
        self.profile_told = replace(self.profile_told, **changes)


def _challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, section 4.2), as the provider works it out."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def set_up(services: Services, *providers: FakeProvider) -> None:
    """Let these be the providers of a service that was built already, and no others."""
    use_providers(services, Providers(providers))


def use_providers(services: Services, found: Providers) -> None:
    """Let a service that was built already have other providers."""
    ours = services.identity.providers
    ours.listed, ours._by_name = found.listed, found._by_name


@dataclass
class Visitor:
    """A browser: it keeps cookies, and follows no address by itself."""

    client: httpx.AsyncClient
    provider: FakeProvider

    async def start(self, purpose: str = "signin", *, person: Person | None = None, **body: Any) -> httpx.Response:
        """Ask for the address of the provider."""
        headers = person.headers if person is not None else {}
        return await self.client.post(
            f"{PATH}/{self.provider.name}/start", json={"purpose": purpose, **body}, headers=headers
        )

    async def go(self, purpose: str = "signin", *, person: Person | None = None, **body: Any) -> str:
        """Go to the provider, and return the state that it has got."""
        answer = await self.start(purpose, person=person, **body)
        assert answer.status_code == 200, answer.text
        address: str = answer.json()["authorizationUrl"]
        return parse_qs(urlsplit(address).query)["state"][0]

    async def come_back(self, state: str, *, to: str | None = None, **query: str) -> httpx.Response:
        """Come back with a code."""
        query = {"state": state, "code": f"code of {state}"} | query
        headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        return await self.client.get(f"{PATH}/{to or self.provider.name}/callback", params=query, headers=headers)

    async def visit(self, purpose: str = "signin", *, person: Person | None = None, **body: Any) -> httpx.Response:
        """Go there, and come back with a code."""
        return await self.come_back(await self.go(purpose, person=person, **body))

    async def go_on(self) -> httpx.Response:
        """Continue the sign-in."""
        return await self.client.post(f"{PATH}/continue", json={})

    async def sign_up_with(self, email: str, code: str, **body: str) -> httpx.Response:
        """Make an account for an address that the code proves."""
        return await self.client.post(f"{PATH}/signup", json={"email": email, "code": code, **body})

    async def ask_code(self, email: str) -> httpx.Response:
        """Have a code sent to an address."""
        return await self.client.post(f"{PATH}/email", json={"email": email})

    async def link_after(self, person: Person) -> httpx.Response:
        """Link what the browser was about to sign in with."""
        return await self.client.post("/api/users/me/identities", json={}, headers=person.headers)


def outcome(answer: httpx.Response) -> str:
    """Return what the page is told to which a browser is led."""
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["outcome"][0]


def person_of(answer: httpx.Response) -> Person:
    """Return who is signed in by an answer with tokens."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return Person(
        body["id"], body["username"], body["email"], "", body["accessToken"] or "", body["refreshToken"] or ""
    )


async def signed_in(visitor: Visitor) -> Person:
    """Return who the cookies of a browser are of, with a token of their session."""
    answer = await visitor.client.get("/api/users/me")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    token = visitor.client.cookies["gatepost_access"]
    refresh = next(cookie.value for cookie in visitor.client.cookies.jar if cookie.name == "gatepost_refresh")
    return Person(body["id"], body["username"], body["email"], "", token, refresh or "")


async def identities_of(api: Api, person: Person) -> Sequence[dict[str, Any]]:
    """Return the identities of an account, as its owner sees them."""
    answer = await api.get("/api/users/me/identities", headers=person.headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found
