"""A fake of GitHub: OAuth without ID tokens, addresses by its API, errors with 200."""

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.providers.fake import FakeProvider

HOSTS = ("github.com", "api.github.com")
NOREPLY = {"email": "1+octocat@users.noreply.github.com", "primary": False, "verified": True, "visibility": None}


@dataclass
class FakeGitHub(FakeProvider):
    """GitHub, at both of its hosts. `emails` are the addresses of an account, as `/user/emails` has them."""

    base: str = "https://github.com"
    person: dict[str, Any] = field(default_factory=lambda: {"id": 583231, "login": "octocat", "name": "The Octocat"})
    emails: list[dict[str, Any]] = field(
        default_factory=lambda: [NOREPLY, {"email": "octocat@example.com", "primary": True, "verified": True}]
    )
    names_issuer: bool = True

    def routes(self) -> list[Route]:
        """Return the routes of both hosts; no path is at both."""
        return [
            Route("/login/oauth/authorize", self.authorize),
            Route("/login/oauth/access_token", self._token, methods=["POST"]),
            Route("/user", self._user),
            Route("/user/emails", self._emails),
        ]

    def issuer_in_answer(self) -> dict[str, str]:
        """Return the `iss` that GitHub sends since August 2026."""
        return {"iss": "https://github.com/login/oauth"} if self.names_issuer else {}

    def refused_code(self) -> Response:
        """Return what GitHub says of a wrong code."""
        return JSONResponse({"error": "bad_verification_code"})

    async def _token(self, request: Request) -> Response:
        redeemed = await self.redeem(request)
        if isinstance(redeemed, Response):
            is_ours = redeemed.status_code == 401
            return JSONResponse({"error": "incorrect_client_credentials"}) if is_ours else redeemed
        scope = redeemed[0].parameters["scope"].replace(" ", ",")
        return JSONResponse({"access_token": redeemed[1], "token_type": "bearer", "scope": scope})

    async def _user(self, request: Request) -> Response:
        authorization = self.bearer(request)
        if authorization is None:
            return JSONResponse({"message": "Bad credentials"}, 401)
        # What stands here is what the person has chosen to show.
        return JSONResponse({"email": "chosen-freely@example.org"} | authorization.person)

    async def _emails(self, request: Request) -> Response:
        authorization = self.bearer(request)
        if authorization is None or "user:email" not in authorization.parameters["scope"]:
            return JSONResponse({"message": "Not Found"}, 404)
        return JSONResponse(self.emails)
