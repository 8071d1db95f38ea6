"""The cookie of a browser that is sent to another provider: who comes back without it is somebody else."""

import re
import secrets

from fastapi import Request, Response

from gatepost.core.settings import Settings
from gatepost.http.cookies import cookie_values
from gatepost.identity.external.authorizations import LIFE

RANDOM_BYTES = 32
FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class AuthorizationCookie:
    """Writes and reads the cookie. A browser keeps it as long as it begins anew in time, so that two tabs share it."""

    def __init__(self, settings: Settings) -> None:
        self._secure = settings.in_production
        self._name = "__Host-gatepost_provider" if self._secure else "gatepost_provider"

    def read(self, request: Request) -> str:
        """Return what the request has of it; empty where it has none, or two, of which a stranger may have set one."""
        values = cookie_values(request, self._name)
        return values[0] if len(values) == 1 and FORM.fullmatch(values[0]) else ""

    def bind(self, request: Request, response: Response) -> str:
        """Bind the browser of a request for some time, and return by what it is known."""
        value = self.read(request) or secrets.token_urlsafe(RANDOM_BYTES)
        self.renew(response, value)
        return value

    def renew(self, response: Response, value: str) -> None:
        """Let the browser keep it for some more time.

        Lax: it comes along when a provider leads the browser back, and not with a form that a page of others posts.
        """
        response.set_cookie(
            self._name,
            value,
            max_age=int(LIFE.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
