"""FastAPI dependencies for the routes of other services."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Self

import httpx
from fastapi import Depends, HTTPException
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from gatepost.core.clock import Clock, SystemClock
from gatepost.core.crypto import jws
from gatepost.core.errors import AppError
from gatepost.identity.tokens.errors import TokenInvalid, TokenMissing
from gatepost.identity.tokens.principal import Acr, UserPrincipal
from gatepost.identity.tokens.step_up import Demand, StepUpRequired
from gatepost.identity.tokens.verifier import AccessTokenVerifier
from gatepost.sdk.issuer import Issuer, IssuerSettings, reason

logger = logging.getLogger("gatepost.sdk")

# Between two requests, so that a busy feed is not polled without a pause.
PAUSE_SECONDS = 0.2
BearerToken = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, bearerFormat="JWT", description="A Gatepost access token.")),
]
HeaderToken = Annotated[
    str | None,
    Depends(
        APIKeyHeader(name="x-access-token", auto_error=False, description="A Gatepost access token, in its own header.")
    ),
]


class Gatepost:
    """Verifies the access tokens of one issuer, and learns within a second or two what it has revoked.

    `issuer` is exactly the service's PUBLIC_URL; `client_id` and `client_secret` come from `gatepost clients add`;
    `audience` is its JWT_AUDIENCE. If your service reaches it at another URL than PUBLIC_URL, for example between
    containers, set `address`.

    Pass `lifespan` to your FastAPI app, so that keys and revocations are followed while it runs. An issuer that does
    not answer is asked again every `retry_seconds`. While revocations have not been read for `max_staleness_seconds`,
    routes answer 503. `http` replaces our own HTTP client, and is not closed.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        audience: str = "gatepost",
        address: str | None = None,
        retry_seconds: float = 1.0,
        max_staleness_seconds: float = 30.0,
        http: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._given_http = http
        self._retry_seconds = retry_seconds
        self._name = issuer
        self._issuer = Issuer(
            IssuerSettings(issuer, address or issuer, audience, client_id, client_secret),
            self._clock,
            max_staleness=timedelta(seconds=max_staleness_seconds),
        )
        self._verifier = AccessTokenVerifier(lambda: self._issuer.keys, self._clock, issuer=issuer, audience=audience)
        self._own_http: httpx.AsyncClient | None = None
        self._follower: asyncio.Task[None] | None = None
        self._trouble = ""

    @asynccontextmanager
    async def lifespan(self, _: Any = None) -> AsyncIterator[None]:
        """Follow the issuer while the app runs; `FastAPI(lifespan=gatepost.lifespan)`."""
        async with self:
            yield

    async def __aenter__(self) -> Self:
        """Start following; if the issuer does not answer yet, wait for it in the background."""
        if self._given_http is None:
            self._own_http = httpx.AsyncClient()
        self._issuer.http = self._given_http or self._own_http
        await self._follow_once(wait=False)
        self._follower = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop following."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        self._issuer.http = None
        if self._own_http is not None:
            await self._own_http.aclose()

    async def verify(self, token: str) -> UserPrincipal:
        """Verify an access token and return its person.

        Raises:
            TokenExpired, TokenInvalid, TokenRevoked, TokenStale: the token is not valid; each is `Unauthorized`, 401.
            RevocationUnknown: the issuer has not been reachable for too long; it is `Unavailable`, 503.
            RuntimeError: the issuer is not followed; see `lifespan`.
        """
        self._issuer.require_http()
        try:
            await self._issuer.look_for_key(jws.key_id(token))
        except jws.TokenRefusedError as error:
            raise TokenInvalid from error
        principal = self._verifier.verify_user(token)
        self._issuer.revoked.check(principal, now=self._clock.now())
        return principal

    async def current_user(self, bearer: BearerToken, header: HeaderToken) -> UserPrincipal:
        """Return the signed-in person, as `Depends(gatepost.current_user)`; otherwise answer 401 or 503."""
        token = bearer.credentials.strip(" \t") if bearer is not None else header
        try:
            if not token:
                raise TokenMissing
            return await self.verify(token)
        except AppError as error:
            raise _refusal(error) from error

    def require_role(self, role: str) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        """Return a dependency that returns the person if they have the role; otherwise it answers 403."""

        async def check(user: Annotated[UserPrincipal, Depends(self.current_user)]) -> UserPrincipal:
            if not user.has_role(role):
                raise HTTPException(403, {"code": "role_required", "message": f"Require {role.capitalize()} Role!"})
            return user

        return check

    def require_permission(self, permission: str, *others: str) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        """Return a dependency that returns the person if a role of theirs has the permission; otherwise it answers 403.

        With `others`, any one of the permissions is enough.
        """
        wanted = (permission, *others)
        message = f"The permission {' or '.join(wanted)} is needed."

        async def check(user: Annotated[UserPrincipal, Depends(self.current_user)]) -> UserPrincipal:
            if not any(user.has_permission(word) for word in wanted):
                raise HTTPException(403, {"code": "permission_required", "message": message})
            return user

        return check

    def require_fresh(self, seconds: int = 300) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        """Return a dependency that returns the person if they authenticated within `seconds`; otherwise it answers 401.

        The answer follows RFC 9470, with the code `step_up_required`: the app lets the person authenticate at `POST
        /api/auth/reauthenticate` of the service, and repeats the request with the token from there.
        """
        return self._demanding(Demand(max_age=timedelta(seconds=seconds)))

    def require_acr(self, acr: str = Acr.TWO_FACTORS) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        """Return a dependency that returns the person if they authenticated at this level; otherwise it answers 401.

        `acr` is `urn:gatepost:acr:2` for two factors, or `urn:gatepost:acr:phr` for a passkey, which is a higher level.
        The answer is the same as for `require_fresh`.

        Raises:
            ValueError: it is not an `acr` of Gatepost.
        """
        return self._demanding(Demand(acr=Acr(acr)))

    def _demanding(self, demand: Demand) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        async def check(user: Annotated[UserPrincipal, Depends(self.current_user)]) -> UserPrincipal:
            try:
                demand.require(user, now=self._clock.now())
            except StepUpRequired as error:
                raise _refusal(error) from error
            return user

        return check

    async def _follow(self) -> None:
        while True:
            is_followed = await self._follow_once(wait=True)
            await asyncio.sleep(PAUSE_SECONDS if is_followed else self._retry_seconds)

    async def _follow_once(self, *, wait: bool) -> bool:
        """Read the keys if they are old, and always the feed, even if the keys fail; return whether both worked."""
        troubles = []
        for read in (self._issuer.read_keys, partial(self._issuer.read_feed, wait=wait)):
            try:
                await read()
            except Exception as error:  # noqa: BLE001  no failure of one round ends the following
                troubles.append(reason(error))
                self._issuer.forget_metadata()
        self._tell(troubles[0] if troubles else "")
        return not troubles

    def _tell(self, trouble: str) -> None:
        """Log a problem once, until it changes or is solved."""
        if trouble and trouble != self._trouble:
            logger.warning("%s cannot be followed: %s", self._name, trouble)
        elif self._trouble and not trouble:
            logger.warning("%s is followed again", self._name)
        self._trouble = trouble


def _refusal(error: AppError) -> HTTPException:
    headers = dict(error.headers)
    if error.status == 401:
        is_missing = isinstance(error, TokenMissing)
        headers.setdefault("WWW-Authenticate", "Bearer" if is_missing else 'Bearer error="invalid_token"')
    return HTTPException(error.status, {"code": error.code, "message": error.message, **error.members}, headers)
