"""Codes by mail, as people ask for them and type them in."""

from dataclasses import dataclass, field

import httpx

from gatepost.composition.services import Services
from tests.support.api import Api
from tests.support.links import Mail, take_mails

CODE = "/api/auth/email-code"
SIGN_IN = f"{CODE}/signin"
LINK = f"{CODE}/link"
COOKIE = "gatepost_email_code"
EMAIL = "abbey.salami@example.com"


@dataclass
class Tab:
    """A browser, as far as codes by mail are concerned: it keeps the cookie that binds them to it."""

    api: Api
    services: Services
    agent: str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    headers: dict[str, str] = field(default_factory=dict)
    cookie: str = ""

    async def ask(self, email: str = EMAIL) -> httpx.Response:
        """Ask for a code."""
        answer = await self._post(CODE, {"email": email})
        assert answer.status_code == 202, answer.text
        return answer

    async def asked(self, email: str = EMAIL) -> Mail:
        """Ask for a code, and return the mail."""
        await self.ask(email)
        [mail] = [mail for mail in await take_mails(self.services) if mail.kind == "sign_in_code"]
        return mail

    async def enter(self, code: str, email: str = EMAIL) -> httpx.Response:
        """Sign in with a code."""
        return await self._post(SIGN_IN, {"email": email, "code": code})

    async def follow(self, token: str, *, elsewhere: bool | None = None) -> httpx.Response:
        """Sign in with the token of a link."""
        return await self._post(SIGN_IN, {"token": token} | ({} if elsewhere is None else {"elsewhere": elsewhere}))

    async def look(self, token: str) -> httpx.Response:
        """Ask where the mail of a link was asked for."""
        return await self._post(LINK, {"token": token})

    async def signed_in(self, email: str = EMAIL) -> httpx.Response:
        """Ask for a code, and sign in with it."""
        return await self.enter((await self.asked(email)).code, email)

    async def _post(self, path: str, body: dict[str, object]) -> httpx.Response:
        headers = {"User-Agent": self.agent, **self.headers}
        if self.cookie:
            headers["Cookie"] = f"{COOKIE}={self.cookie}"
        answer = await self.api.post(path, json=body, headers=headers)
        self.cookie = answer.cookies.get(COOKIE) or self.cookie
        return answer


def wrong(code: str) -> str:
    """Return another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"
