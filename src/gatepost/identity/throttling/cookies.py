"""Transports the device token: in an HttpOnly cookie, or in a header for apps without cookies."""

from dataclasses import replace

from fastapi import Request, Response

from gatepost.core.settings import Settings
from gatepost.http.cookies import cookie_values
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.cookies import TokenCookies
from gatepost.identity.throttling.devices import Device, DeviceTokens
from gatepost.identity.tokens.errors import RefreshTokenInvalid
from gatepost.identity.tokens.refresh_tokens import RefreshTokens

HEADER = "X-Device-Token"
# The maximum for which browsers keep a cookie.
LIFE_SECONDS = 400 * 86400


class DeviceCookies:
    """Reads and writes the device token of a request."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = DeviceTokens(settings.keys)
        self._refresh = RefreshTokens(settings.keys)
        self._secure = settings.in_production
        self._name = "__Host-gatepost_device" if self._secure else "gatepost_device"
        self._token_cookies = TokenCookies(settings)

    def read(self, request: Request) -> Device:
        """Return what a request shows of its device; forged, malformed or duplicate tokens are ignored."""
        device = self._tokens.read(request.headers.get(HEADER) or self._cookie(request, self._name))
        try:
            ticket = self._refresh.read(self._cookie(request, self._token_cookies.refresh_name))
        except RefreshTokenInvalid:
            return device
        return replace(device, session_id=ticket.session_id)

    def remember(
        self, request: Request, response: Response, user: User, *, by_cookie: bool, name: str | None = None
    ) -> None:
        """Give the device a token that says that this account has signed in on it, under its old or a new name.

        A device with a new name is known to no other account. Otherwise somebody could reset the counters of wrong
        passwords for other accounts, by trusting the device with their own account again and again.

        The token goes into the header if the request has that header, with any value, otherwise into the cookie. A
        request that a page of another site may have sent gets no cookie.
        """
        device = self.read(request)
        token = self._tokens.write(Device(name) if name is not None else device, user)
        if HEADER in request.headers:
            response.headers[HEADER] = token
        elif by_cookie and not self._token_cookies.is_foreign(request):
            response.set_cookie(
                self._name, token, max_age=LIFE_SECONDS, path="/", secure=self._secure, httponly=True, samesite="lax"
            )

    def _cookie(self, request: Request, name: str) -> str:
        values = [] if self._token_cookies.is_foreign(request) else cookie_values(request, name)
        return values[0] if len(values) == 1 else ""
