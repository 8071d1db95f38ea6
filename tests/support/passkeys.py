"""Passkeys over HTTP, as a browser with a software authenticator has them."""

from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from gatepost.composition.services import Services
from gatepost.core.crypto.base64url import decode, encode
from tests.support.api import Api, Person
from tests.support.clock import FakeClock
from tests.support.factors import ME, prove_address
from tests.unit.passkeys.authenticator import Authenticator

OWN_ORIGIN = "http://localhost:8080"
OPTIONS = "/api/auth/passkeys/options"
SIGN_IN = "/api/auth/passkeys/signin"


@dataclass
class Browser:
    """One passkey, at the address of the service; it lies in whatever it is told to, as its authenticator does."""

    authenticator: Authenticator
    handle: bytes = b""
    sign_count: int = 0
    id: int = field(default=0)
    """Of the passkey, once the service has it."""
    recovery_codes: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, name: bytes = b"\x09" * 32) -> "Browser":
        """Return a browser with a passkey of its own."""
        return cls(Authenticator(ec.generate_private_key(ec.SECP256R1()), name))

    def create(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """Answer creation options."""
        self.handle = decode(options["user"]["id"])
        return self.authenticator.create(**self._truth(options, options["rp"]["id"], lies))

    def get(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """Answer request options; the counter grows by one where there is one."""
        if self.sign_count:
            self.sign_count += 1
        lies["response"] = {"userHandle": encode(self.handle)} | lies.get("response", {})
        return self.authenticator.get(**self._truth(options, options["rpId"], lies))

    def _truth(self, options: dict[str, Any], rp_id: str, lies: dict[str, Any]) -> dict[str, Any]:
        client = {"challenge": options["challenge"], "origin": OWN_ORIGIN} | lies.pop("client", {})
        return {"rp_id": rp_id, "client": client, "sign_count": self.sign_count} | lies


async def pass_time(services: Services, clock: FakeClock, **time: int) -> None:
    """Let time pass, in which the service goes on reading the revocations."""
    clock.advance(**time)
    await services.identity.revocations.poll()


async def options_for_new(api: Api, person: Person) -> dict[str, Any]:
    """Return a challenge and the options for a new passkey of somebody, whose address is proved."""
    body = {"password": person.password} if person.password else None
    answer = await api.post(f"{ME}/passkeys/options", json=body, headers=person.headers)
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()
    return options


async def add(api: Api, person: Person, options: dict[str, Any], credential: Any, **other: Any) -> httpx.Response:
    """Send what the browser has made."""
    body = {"challengeId": options["challengeId"], "credential": credential, **other}
    return await api.post(f"{ME}/passkeys", json=body, headers=person.headers)


async def add_passkey(api: Api, services: Services, person: Person, browser: Browser | None = None) -> Browser:
    """Give somebody a passkey."""
    browser = browser or Browser.new()
    await prove_address(services, person)
    options = await options_for_new(api, person)
    answer = await add(api, person, options, browser.create(options["publicKey"]), name="Phone")
    assert answer.status_code == 201, answer.text
    browser.id, browser.recovery_codes = answer.json()["id"], answer.json()["recoveryCodes"]
    return browser


async def ask(api: Api, pending_token: str | None = None) -> dict[str, Any]:
    """Return a challenge and the options to sign in, or to go on with a sign-in."""
    answer = await api.post(OPTIONS, json={} if pending_token is None else {"pendingToken": pending_token})
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()
    return options


async def sign_in(api: Api, options: dict[str, Any], credential: Any, **headers: str) -> httpx.Response:
    """Sign in with what the browser has answered."""
    body = {"challengeId": options["challengeId"], "credential": credential}
    return await api.post(SIGN_IN, json=body, headers=headers)


async def sign_in_with(api: Api, browser: Browser, **headers: str) -> httpx.Response:
    """Sign in with a passkey."""
    options = await ask(api)
    return await sign_in(api, options, browser.get(options["publicKey"]), **headers)


async def go_on_with(api: Api, token: str, options: dict[str, Any], credential: Any) -> httpx.Response:
    """Go on with a sign-in that waits for a second factor."""
    body = {
        "pendingToken": token,
        "method": "passkey",
        "challengeId": options["challengeId"],
        "credential": credential,
    }
    return await api.post("/api/auth/signin/continue", json=body)


async def prove_with(api: Api, person: Person, browser: Browser) -> Person:
    """Prove once more who somebody is, by a passkey, and return them with the token that says so."""
    asked = await api.post("/api/auth/reauthenticate/options", headers=person.headers)
    assert asked.status_code == 200, asked.text
    credential = browser.get(asked.json()["publicKey"])
    body = {"method": "passkey", "challengeId": asked.json()["challengeId"], "credential": credential}
    answer = await api.post("/api/auth/reauthenticate", json=body, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return replace(person, access_token=answer.json()["accessToken"])
