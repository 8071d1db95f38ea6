"""The dependencies that another service's routes ask for."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any, Self

import httpx
from fastapi import Depends, HTTPException, Request

from gatepost.access.principal import Principal
from gatepost.access.verifier import AccessTokenVerifier
from gatepost.core import jose
from gatepost.core.clock import Clock, SystemClock
from gatepost.core.errors import AppError
from gatepost.resource.issuer import TIMEOUT_SECONDS, Issuer, IssuerError
from gatepost.sessions.errors import TokenInvalid, TokenMissing

logger = logging.getLogger("gatepost.resource")

BEARER = "bearer "
# Between two questions, so that a busy feed is not asked without a pause.
PAUSE_SECONDS = 0.2


class Gatepost:
    """Verifies the access tokens of one issuer, and knows within a second or two what it has revoked.

    `issuer` is the service's PUBLIC_URL; `client_id` and `client_secret` come from `gatepost clients add`;
    `audience` is its JWT_AUDIENCE. Give `lifespan` to your FastAPI app, so that keys and revocations are followed
    while it runs; an issuer that does not answer is asked again every `retry_seconds`. As long as revocations have
    not been read for `max_staleness_seconds`, routes answer 503.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        audience: str = "gatepost",
        retry_seconds: float = 1.0,
        max_staleness_seconds: float = 30.0,
        http: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._clock = clock
        self._http = http or httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        self._retry_seconds = retry_seconds
        self._issuer = Issuer(
            self._http,
            clock,
            issuer=issuer,
            credentials=(client_id, client_secret),
            max_staleness=timedelta(seconds=max_staleness_seconds),
        )
        self._verifier = AccessTokenVerifier(lambda: self._issuer.keys, clock, issuer=issuer, audience=audience)
        self._follower: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def lifespan(self, _: Any = None) -> AsyncIterator[None]:
        """Follow the issuer while the app runs; `FastAPI(lifespan=gatepost.lifespan)`."""
        async with self:
            yield

    async def __aenter__(self) -> Self:
        """Start following; an issuer that does not answer yet is waited for in the background."""
        await self._follow_once(wait=False)
        self._follower = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop following."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        await self._http.aclose()

    async def verify(self, token: str) -> Principal:
        """Return whom an access token is from.

        Raises:
            TokenExpired, TokenInvalid, TokenRevoked, TokenStale: 401.
            RevocationUnknown: 503; what was revoked has not been read for too long.
        """
        try:
            await self._issuer.look_for_key(jose.key_id(token))
        except jose.TokenRefusedError as error:
            raise TokenInvalid from error
        principal = self._verifier.verify(token)
        self._issuer.revoked.check(principal, now=self._clock.now())
        return principal

    async def current_user(self, request: Request) -> Principal:
        """Return the signed-in person behind a request: `Depends(gatepost.current_user)`; else 401, or 503."""
        authorization = request.headers.get("authorization", "")
        is_bearer = authorization[: len(BEARER)].lower() == BEARER
        token = authorization[len(BEARER) :].strip() if is_bearer else request.headers.get("x-access-token")
        try:
            if not token:
                raise TokenMissing
            return await self.verify(token)
        except AppError as error:
            raise _refusal(error) from error

    def require_role(self, role: str) -> Callable[[Principal], Awaitable[Principal]]:
        """Return a dependency that gives the person if they have the role, and else answers 403."""

        async def check(user: Annotated[Principal, Depends(self.current_user)]) -> Principal:
            if not user.has_role(role):
                raise HTTPException(403, {"code": "role_required", "message": f"Require {role.capitalize()} Role!"})
            return user

        return check

    async def _follow(self) -> None:
        while True:
            is_followed = await self._follow_once(wait=True)
            await asyncio.sleep(PAUSE_SECONDS if is_followed else self._retry_seconds)

    async def _follow_once(self, *, wait: bool) -> bool:
        try:
            await self._issuer.read_keys()
            await self._issuer.read_feed(wait=wait)
        except (httpx.HTTPError, IssuerError) as error:
            logger.warning("the issuer cannot be followed: %s", str(error) or type(error).__name__)
            return False
        return True


def _refusal(error: AppError) -> HTTPException:
    headers = dict(error.headers)
    if error.status == 401:
        is_missing = isinstance(error, TokenMissing)
        headers["WWW-Authenticate"] = "Bearer" if is_missing else 'Bearer error="invalid_token"'
    return HTTPException(error.status, {"code": error.code, "message": error.message}, headers)
