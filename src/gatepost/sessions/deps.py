"""What the session routes ask for."""

from typing import Annotated

from fastapi import Depends, Query

from gatepost.core.settings import TokenTransport
from gatepost.http.deps import provided
from gatepost.sessions.browsers import Browsers
from gatepost.sessions.cookies import TokenCookies
from gatepost.sessions.service import SessionService
from gatepost.sessions.tokens import TokenService

TokenServiceDep = Annotated[TokenService, Depends(provided(TokenService))]
SessionServiceDep = Annotated[SessionService, Depends(provided(SessionService))]
TokenCookiesDep = Annotated[TokenCookies, Depends(provided(TokenCookies))]
BrowsersDep = Annotated[Browsers, Depends(provided(Browsers))]
TransportQuery = Annotated[
    TokenTransport | None,
    Query(description="`cookie`: HttpOnly cookies alone, nothing in the body.", examples=["cookie"]),
]
