"""How the device token travels: in an HttpOnly cookie, or in a header for apps that keep no cookies."""

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
# The longest that browsers keep a cookie.
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
        """Return what a request shows of its device; what is forged, odd or there twice shows nothing."""
        device = self._tokens.read(request.headers.get(HEADER) or self._cookie(request, self._name))
        try:
            ticket = self._refresh.read(self._cookie(request, self._token_cookies.refresh_name))
        except RefreshTokenInvalid:
            return device
        return replace(device, session_id=ticket.session_id)

    def remember(
        self, request: Request, response: Response, user: User, *, by_cookie: bool, name: str | None = None
    ) -> None:
        """Give the device a token that says that this account was signed in to on it, under its name or a new one.

        Under a new name it belongs to no other account: those guessed at would have wrong passwords counted anew, each
        time that somebody trusts the device with an account of their own.

        It goes into the header where the request has that header, whatever is in it, and else into the cookie. A page
        of another site could have a form sent, and takes no part in this.
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
