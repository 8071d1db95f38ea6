"""How the device token travels: in an HttpOnly cookie, or in a header for apps that keep no cookies."""

from dataclasses import replace

from fastapi import Request, Response

from gatepost.accounts.models import User
from gatepost.core.settings import Settings
from gatepost.limits.devices import Device, DeviceTokens
from gatepost.sessions.cookies import TokenCookies
from gatepost.sessions.errors import RefreshTokenInvalid
from gatepost.sessions.refresh_tokens import RefreshTokens

HEADER = "X-Device-Token"
# The longest that browsers keep a cookie.
LIFE_SECONDS = 400 * 86400


class DeviceCookies:
    """Reads and writes the device token of a request."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = DeviceTokens(settings.keys)
        self._refresh = RefreshTokens(settings.keys)
        self._secure = settings.in_production
        self._name = "__Host-gatepost_device" if self._secure else "gatepost_device"
        self._refresh_name = TokenCookies(settings).refresh_name

    def read(self, request: Request) -> Device:
        """Return what a request shows of its device; what is forged or odd shows nothing."""
        device = self._tokens.read(request.headers.get(HEADER) or request.cookies.get(self._name, ""))
        try:
            ticket = self._refresh.read(request.cookies.get(self._refresh_name, ""))
        except RefreshTokenInvalid:
            return device
        return replace(device, session_id=ticket.session_id)

    def remember(self, request: Request, response: Response, user: User) -> None:
        """Give the device a token that says that this account was signed in to on it.

        It goes into the header where the request has that header, whatever is in it, and else into the cookie.
        """
        token = self._tokens.write(self.read(request), user)
        if HEADER in request.headers:
            response.headers[HEADER] = token
            return
        response.set_cookie(
            self._name, token, max_age=LIFE_SECONDS, path="/", secure=self._secure, httponly=True, samesite="lax"
        )
