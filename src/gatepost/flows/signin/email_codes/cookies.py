"""The cookie that binds a code by mail to the browser that asked for it."""

import secrets

from fastapi import Request, Response

from gatepost.core.crypto.secrets import digest_of
from gatepost.core.settings import Settings
from gatepost.http.cookies import cookie_values
from gatepost.identity.credentials.email_codes.method import LIFE

RANDOM_BYTES = 32


class EmailCodeCookies:
    """Writes and reads the cookie; the code is stored with its digest."""

    def __init__(self, settings: Settings) -> None:
        self._secure = settings.in_production
        # No other host, not even one below this one's name, can set a cookie that begins with `__Host-`.
        self._name = "__Host-gatepost_email_code" if self._secure else "gatepost_email_code"

    def read(self, request: Request) -> str:
        """Return what the browser of a request is known by; empty where it has asked for no code."""
        values = cookie_values(request, self._name)
        return digest_of(values[0]) if len(values) == 1 and values[0] else ""

    def bind(self, response: Response) -> str:
        """Give the browser a new cookie, and return what it is known by from now on."""
        value = secrets.token_urlsafe(RANDOM_BYTES)
        self._set(response, value, seconds=int(LIFE.total_seconds()))
        return digest_of(value)

    def clear(self, response: Response) -> None:
        """Take the cookie back, whose code is used."""
        self._set(response, "", seconds=0)

    def _set(self, response: Response, value: str, *, seconds: int) -> None:
        response.set_cookie(
            self._name, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax"
        )
