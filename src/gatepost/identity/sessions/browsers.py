"""Signs out browsers, and finds the sessions of their cookies."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import Request

from gatepost.core.request_info import RequestInfo
from gatepost.core.settings import TokenTransport
from gatepost.identity.accounts.errors import AccountDisabled
from gatepost.identity.sessions.cookies import TokenCookies
from gatepost.identity.sessions.handout import HeldTokens
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.tokens.errors import (
    RefreshTokenExpired,
    RefreshTokenInvalid,
    RefreshTokenReplaced,
    RefreshTokenReused,
)

# After these errors a client knows that it is signed out; after any other it may try again.
SIGNED_OUT = (RefreshTokenInvalid, RefreshTokenExpired, RefreshTokenReused, AccountDisabled)


class Browsers:
    """Signs out the client that sends a request, including its cookies, if it has any."""

    def __init__(self, cookies: TokenCookies, sessions: SessionService) -> None:
        self._cookies = cookies
        self._sessions = sessions

    async def sign_out(self, request: Request, sent: HeldTokens, *, info: RequestInfo) -> None:
        """End the sessions of all tokens that were sent or are in cookies, and clear the cookies.

        Raises:
            CrossSiteRequest: there are only cookies, and a page of another site may have sent the request.
        """
        await self._end(request, sent, is_verified=bool(sent), info=info)

    async def forget(self, request: Request, *, info: RequestInfo) -> None:
        """End the sessions of the cookies, and clear them; the request's own session may be another one.

        The caller must be authenticated.
        """
        await self._end(request, HeldTokens(), is_verified=True, info=info)

    @asynccontextmanager
    async def signed_out_if_refused(
        self, request: Request, *, is_verified: bool, info: RequestInfo
    ) -> AsyncIterator[None]:
        """End the sessions of the cookies, and clear them, if the refresh within the block is permanently refused.

        Not if the browser has signed in again meanwhile: its cookies are, or will be, those of the new session.
        """
        try:
            yield
        except RefreshTokenReplaced:
            raise
        except SIGNED_OUT:
            if held := self._cookies.held(request, is_verified=is_verified):
                await self._sessions.sign_out(held, info=info)
                self._cookies.clear(request)
            raise

    def replaced(self, request: Request, *, asked: TokenTransport | None, unasked: bool = True) -> Collection[int]:
        """Return the ids of the sessions whose cookies the answer to a JSON request replaces; see `TokenCookies`."""
        if not self._cookies.are_wanted(asked=asked, unasked=unasked):
            return ()
        return self._sessions.named_by(self._cookies.held(request, is_verified=True))

    async def _end(self, request: Request, sent: HeldTokens, *, is_verified: bool, info: RequestInfo) -> None:
        held = self._cookies.held(request, is_verified=is_verified)
        await self._sessions.sign_out(sent, held, info=info)
        self._cookies.clear(request)
