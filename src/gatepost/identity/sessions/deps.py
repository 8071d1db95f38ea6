"""Dependencies of routes that use sessions."""

from typing import Annotated

from fastapi import Depends, Query

from gatepost.core.settings import TokenTransport
from gatepost.http.deps import provided
from gatepost.identity.sessions.browsers import Browsers
from gatepost.identity.sessions.cookies import TokenCookies
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.sessions.tokens import TokenService

TokenServiceDep = Annotated[TokenService, Depends(provided(TokenService))]
SessionServiceDep = Annotated[SessionService, Depends(provided(SessionService))]
TokenCookiesDep = Annotated[TokenCookies, Depends(provided(TokenCookies))]
BrowsersDep = Annotated[Browsers, Depends(provided(Browsers))]
TransportQuery = Annotated[
    TokenTransport | None,
    Query(description="`cookie`: tokens only in HttpOnly cookies, not in the body.", examples=["cookie"]),
]
