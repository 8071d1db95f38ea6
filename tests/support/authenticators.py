"""Chromium's virtual authenticators, over its DevTools protocol (WebAuthn domain)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.async_api import CDPSession, Page

PATIENCE_SECONDS = 20
POLL_SECONDS = 0.05
# As a phone or a laptop has it: it keeps passkeys, and knows its person by a finger or a PIN.
OPTIONS = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass(frozen=True)
class Authenticator:
    """An authenticator that one page sees, whose person is there and agrees to everything."""

    session: CDPSession
    id: str

    async def credentials(self) -> list[dict[str, Any]]:
        """Return the passkeys that it has, as Chromium describes them."""
        found: list[dict[str, Any]] = (await self._send("getCredentials"))["credentials"]
        return found

    async def until(self, is_so: Callable[[list[dict[str, Any]]], bool]) -> None:
        """Wait until its passkeys are as they should be: a browser hears of changes beside the page."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so(await self.credentials()):
                await asyncio.sleep(POLL_SECONDS)

    async def verify(self, *, is_verified: bool) -> None:
        """Let it know its person from now on, or not."""
        await self._send("setUserVerified", isUserVerified=is_verified)

    async def be_there(self, *, is_there: bool) -> None:
        """Let its person be there from now on, or not."""
        await self._send("setAutomaticPresenceSimulation", enabled=is_there)

    async def take(self, credential: dict[str, Any]) -> None:
        """Give it a passkey of another one."""
        await self._send("addCredential", credential=credential)

    async def leave(self) -> None:
        """Take it away, with what it has."""
        await self._send("removeVirtualAuthenticator")

    async def _send(self, what: str, **parameters: Any) -> Any:
        return await self.session.send(f"WebAuthn.{what}", {"authenticatorId": self.id, **parameters})


async def authenticator(page: Page, **options: Any) -> Authenticator:
    """Put an authenticator beside a page; a page has one of each transport that is its own (`internal`)."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable", {"enableUI": False})
    added = await session.send("WebAuthn.addVirtualAuthenticator", {"options": {**OPTIONS, **options}})
    return Authenticator(session, added["authenticatorId"])
