"""What routes ask for that go on with a sign-in at another provider."""

from typing import Annotated

from fastapi import Depends, Request, Response

from gatepost.http.deps import provided
from gatepost.identity.external.cookies import AuthorizationCookie
from gatepost.identity.sessions.deps import TokenCookiesDep
from gatepost.identity.sessions.errors import CrossSiteRequest

AuthorizationCookieDep = Annotated[AuthorizationCookie, Depends(provided(AuthorizationCookie))]


class BoundBrowser:
    """The browser of a request that one of our pages, or a program, has sent.

    Raises:
        CrossSiteRequest: a page of another site has sent it.
    """

    def __init__(
        self, request: Request, response: Response, binding: AuthorizationCookieDep, cookies: TokenCookiesDep
    ) -> None:
        if cookies.is_foreign(request):
            raise CrossSiteRequest
        self._request = request
        self._response = response
        self._binding = binding

    @property
    def cookie(self) -> str:
        """By what it is known; empty where it has no cookie."""
        return self._binding.read(self._request)

    def bind(self) -> str:
        """Bind it for some time, and return by what it is known."""
        return self._binding.bind(self._request, self._response)

    def keep(self) -> None:
        """Let it keep its cookie for some more time."""
        if self.cookie:
            self._binding.renew(self._response, self.cookie)


BoundBrowserDep = Annotated[BoundBrowser, Depends()]
