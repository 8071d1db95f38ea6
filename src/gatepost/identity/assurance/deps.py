"""The one handout for all ways in, and what routes of ways in ask for."""

from collections.abc import Collection
from typing import Annotated

from fastapi import Depends, Request, Response

from gatepost.core.settings import TokenTransport
from gatepost.http.deps import provided
from gatepost.identity.assurance.pending import SignInContinuation
from gatepost.identity.assurance.service import SignInService
from gatepost.identity.sessions.deps import BrowsersDep, TokenCookiesDep, TransportQuery
from gatepost.identity.sessions.handout import SignedIn
from gatepost.identity.throttling.deps import RememberDevice

SignInContinuationDep = Annotated[SignInContinuation, Depends(provided(SignInContinuation))]
SignInServiceDep = Annotated[SignInService, Depends(provided(SignInService))]


class Handout:
    """Gives the client of a request what was opened for it: tokens, cookies, and the mark of the device."""

    unasked = True

    def __init__(
        self,
        request: Request,
        response: Response,
        cookies: TokenCookiesDep,
        browsers: BrowsersDep,
        remember: RememberDevice,
        transport: TransportQuery = None,
    ) -> None:
        self._request = request
        self._response = response
        self._cookies = cookies
        self._browsers = browsers
        self._remember = remember
        self._asked = transport

    @property
    def replaces(self) -> Collection[int]:
        """The ids of the sessions whose cookies the answer replaces."""
        return self._browsers.replaced(self._request, asked=self._asked, unasked=self.unasked)

    def deliver(self, signed_in: SignedIn, *, device_name: str | None = None) -> bool:
        """Hand out the tokens; return whether they go into the body as well."""
        by_cookie = self.unasked or self._asked is TokenTransport.COOKIE
        self._remember(signed_in.user, by_cookie=by_cookie, name=device_name)
        return self._cookies.deliver(self._response, signed_in.tokens, asked=self._asked, unasked=self.unasked)


class HandoutIfAsked(Handout):
    """As `Handout`, and no cookie is set that the request does not ask for: it may be for somebody else."""

    unasked = False


class HandoutByCookie(Handout):
    """As `Handout`, to a browser that follows an address: by cookies, whatever TOKEN_TRANSPORT is."""

    def __init__(
        self,
        request: Request,
        response: Response,
        cookies: TokenCookiesDep,
        browsers: BrowsersDep,
        remember: RememberDevice,
    ) -> None:
        super().__init__(request, response, cookies, browsers, remember, TokenTransport.COOKIE)


HandoutDep = Annotated[Handout, Depends()]
HandoutIfAskedDep = Annotated[HandoutIfAsked, Depends()]
