"""A fake of Discord: OAuth without ID tokens, one address of its API."""

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.providers.fake import FakeProvider


def nelly() -> dict[str, Any]:
    """Return a user as the API has it."""
    return {
        "id": "80351110224678912",
        "username": "nelly",
        "global_name": "Nelly",
        "email": "nelly@example.com",
        "verified": True,
    }


@dataclass
class FakeDiscord(FakeProvider):
    """Discord."""

    base: str = "https://discord.com"
    person: dict[str, Any] = field(default_factory=nelly)

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [
            Route("/oauth2/authorize", self.authorize),
            Route("/api/oauth2/token", self._token, methods=["POST"]),
            Route("/api/users/@me", self._user),
        ]

    def issuer_in_answer(self) -> dict[str, str]:
        """Return `iss`, which Discord's metadata announce."""
        return {"iss": self.base}

    async def _token(self, request: Request) -> Response:
        redeemed = await self.redeem(request)
        if isinstance(redeemed, Response):
            return redeemed
        return JSONResponse({"access_token": redeemed[1], "token_type": "Bearer", "scope": "identify email"})

    async def _user(self, request: Request) -> Response:
        authorization = self.bearer(request)
        if authorization is None:
            return JSONResponse({"message": "401: Unauthorized", "code": 0}, 401)
        return JSONResponse(authorization.person)
