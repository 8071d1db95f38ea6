"""Tokens in HttpOnly cookies for browsers, and the protection against cross-site requests with such cookies."""

from fastapi import Request, Response

from gatepost.core.settings import Settings, TokenTransport
from gatepost.http.cookies import cookie_values
from gatepost.http.middleware import add_to_answer
from gatepost.identity.sessions.errors import AmbiguousCookie, CrossSiteRequest
from gatepost.identity.sessions.handout import AccessToken, HeldTokens, TokenPair

REFRESH_PATH = "/api/auth"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class TokenCookies:
    """Writes, reads and clears the two cookies.

    In production both are Secure. The access cookie is bound to this host; the refresh cookie is only sent to
    `/api/auth`.
    """

    def __init__(self, settings: Settings) -> None:
        self._transport = settings.token_transport
        self._secure = settings.in_production
        self._access = "__Host-gatepost_access" if self._secure else "gatepost_access"
        self.refresh_name = "__Secure-gatepost_refresh" if self._secure else "gatepost_refresh"
        self._origins = settings.trusted_origins

    def are_wanted(self, *, asked: TokenTransport | None, unasked: bool = True) -> bool:
        """Whether an answer sets cookies: if the request asks for it or, with `unasked`, because of TOKEN_TRANSPORT."""
        return asked is TokenTransport.COOKIE or (unasked and self._transport is not TokenTransport.BODY)

    def deliver(
        self, response: Response, tokens: TokenPair, *, asked: TokenTransport | None, unasked: bool = True
    ) -> bool:
        """Put the tokens into cookies if they are wanted; return whether the tokens also go into the body.

        TOKEN_TRANSPORT decides. A request may ask for cookies only, but never for tokens in the body.
        """
        if self.are_wanted(asked=asked, unasked=unasked):
            self._set(response, self._access, tokens.access_token, path="/", seconds=tokens.expires_in)
            self._set(
                response,
                self.refresh_name,
                tokens.refresh_token,
                path=REFRESH_PATH,
                seconds=tokens.refresh_expires_in,
            )
        return TokenTransport.COOKIE not in (asked, self._transport)

    def deliver_access(self, response: Response, token: AccessToken, *, asked: TokenTransport | None) -> bool:
        """Like `deliver`, but only an access token; the refresh token of its session is unchanged.

        The cookies may belong to another account than a request without them, so with `both` it only goes into the
        body.
        """
        if self.are_wanted(asked=asked, unasked=self._transport is TokenTransport.COOKIE):
            self._set(response, self._access, token.token, path="/", seconds=token.expires_in)
        return TokenTransport.COOKIE not in (asked, self._transport)

    def clear(self, request: Request) -> None:
        """Clear both cookies with the answer, even with an error, unless a page of another site sent the request."""
        if self.is_foreign(request):
            return
        empty = Response()
        self._set(empty, self._access, "", path="/", seconds=0)
        self._set(empty, self.refresh_name, "", path=REFRESH_PATH, seconds=0)
        for cookie in empty.headers.getlist("set-cookie"):
            add_to_answer(request.scope, b"set-cookie", cookie)

    def are_with(self, request: Request) -> bool:
        """Whether a request has the access cookie, valid or not: enough to choose what a page shows first."""
        return any(cookie_values(request, self._access))

    def held(self, request: Request, *, is_verified: bool) -> HeldTokens:
        """Return the tokens in the cookies of a request that ends their sessions, including duplicate cookies.

        There are none if a page of another site sent the request. `is_verified` means that the request has something
        that such a page cannot send: a JSON body, or a custom header.

        Raises:
            CrossSiteRequest: there are tokens, but the request is not verified and not from an allowed origin.
        """
        held = HeldTokens(cookie_values(request, self._access), cookie_values(request, self.refresh_name))
        if not held or self._is_ours(request):
            return held
        if not is_verified:
            raise CrossSiteRequest
        return HeldTokens() if self.is_foreign(request) else held

    def access_token(self, request: Request, *, changes: bool | None = None) -> str | None:
        """Return the access token of the cookie. `changes` overrides the method, for a check of another request.

        Raises:
            CrossSiteRequest: the request changes something and is not from an allowed origin.
            AmbiguousCookie: there are two, and somebody else may have set one of them.
        """
        return self._read(request, self._access, changes=changes)

    def refresh_token(self, request: Request) -> str | None:
        """Return the refresh token of the cookie.

        Raises:
            CrossSiteRequest: the request is not from an allowed origin.
            AmbiguousCookie: there are two, and somebody else may have set one of them.
        """
        return self._read(request, self.refresh_name)

    def vouch_for(self, request: Request) -> None:
        """Take a request for one of our pages although another site has led to it: its browser asked for it here.

        The caller knows that by a cookie that was good for this one request.
        """
        request.state.is_vouched_for = True

    def is_foreign(self, request: Request) -> bool:
        """Whether a page of an origin that is not allowed sent it, by the headers of browsers; programs send none."""
        return not self._is_ours(request) and not {"origin", "sec-fetch-site"}.isdisjoint(request.headers)

    def _read(self, request: Request, name: str, *, changes: bool | None = None) -> str | None:
        values = cookie_values(request, name)
        if not any(values):
            return None
        if changes is None:
            changes = request.method not in SAFE_METHODS
        if changes and not self._is_ours(request):
            raise CrossSiteRequest
        if len(values) > 1:
            raise AmbiguousCookie
        return values[0]

    def _is_ours(self, request: Request) -> bool:
        """Whether a page of an allowed origin sent it; only browsers can set these headers, pages cannot."""
        if request.headers.get("sec-fetch-site") == "same-origin" or getattr(request.state, "is_vouched_for", False):
            return True
        return request.headers.get("origin") in self._origins

    def _set(self, response: Response, name: str, value: str, *, path: str, seconds: int) -> None:
        response.set_cookie(name, value, max_age=seconds, path=path, secure=self._secure, httponly=True, samesite="lax")
