"""Tokens in HttpOnly cookies, for browsers, and what a request with such a cookie must show besides."""

from fastapi import Request, Response

from gatepost.core.settings import Settings, TokenTransport
from gatepost.sessions.errors import CrossSiteRequest
from gatepost.sessions.tokens import TokenPair

REFRESH_PATH = "/api/auth"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class TokenCookies:
    """Writes, reads and clears the two cookies.

    In production both are Secure: the access cookie is bound to this very host, the refresh cookie goes to
    `/api/auth` only.
    """

    def __init__(self, settings: Settings) -> None:
        self._transport = settings.token_transport
        self._secure = settings.in_production
        self._access = "__Host-gatepost_access" if self._secure else "gatepost_access"
        self.refresh_name = "__Secure-gatepost_refresh" if self._secure else "gatepost_refresh"
        self._origins = settings.trusted_origins

    def deliver(self, response: Response, tokens: TokenPair, *, asked: TokenTransport | None) -> bool:
        """Put tokens into cookies where they are wanted; return whether they go into the body as well.

        TOKEN_TRANSPORT decides; a request may ask for cookies alone, and never for more than is set.
        """
        wanted = TokenTransport.COOKIE if asked is TokenTransport.COOKIE else self._transport
        if wanted is not TokenTransport.BODY:
            self._set(response, self._access, tokens.access_token, path="/", seconds=tokens.expires_in)
            self._set(
                response,
                self.refresh_name,
                tokens.refresh_token,
                path=REFRESH_PATH,
                seconds=tokens.refresh_expires_in,
            )
        return wanted is not TokenTransport.COOKIE

    def clear(self, response: Response) -> None:
        """Take both cookies back."""
        self._set(response, self._access, "", path="/", seconds=0)
        self._set(response, self.refresh_name, "", path=REFRESH_PATH, seconds=0)

    def are_with(self, request: Request) -> bool:
        """Whether a request has the access cookie, good or not: enough to choose what a page shows first."""
        return bool(request.cookies.get(self._access))

    def access_token(self, request: Request, *, changes: bool | None = None) -> str | None:
        """Return the access token of the cookie; `changes` says it of a request that another one is about.

        Raises:
            CrossSiteRequest: the request changes something and is not from an allowed origin.
        """
        return self._read(request, self._access, changes=changes)

    def refresh_token(self, request: Request) -> str | None:
        """Return the refresh token of the cookie.

        Raises:
            CrossSiteRequest: the request is not from an allowed origin.
        """
        return self._read(request, self.refresh_name)

    def _read(self, request: Request, name: str, *, changes: bool | None = None) -> str | None:
        token = request.cookies.get(name)
        if changes is None:
            changes = request.method not in SAFE_METHODS
        if token and changes and not self._is_ours(request):
            raise CrossSiteRequest
        return token or None

    def _is_ours(self, request: Request) -> bool:
        """Whether a page of an allowed origin sent it; browsers set these headers and pages cannot."""
        if request.headers.get("sec-fetch-site") == "same-origin":
            return True
        return request.headers.get("origin") in self._origins

    def _set(self, response: Response, name: str, value: str, *, path: str, seconds: int) -> None:
        response.set_cookie(name, value, max_age=seconds, path=path, secure=self._secure, httponly=True, samesite="lax")
