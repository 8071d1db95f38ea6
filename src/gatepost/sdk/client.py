"""The dependencies that another service's routes ask for."""

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

# Between two questions, so that a busy feed is not asked without a pause.
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
    """Verifies the access tokens of one issuer, and knows within a second or two what it has revoked.

    `issuer` is the service's PUBLIC_URL, to the letter; `client_id` and `client_secret` come from
    `gatepost clients add`; `audience` is its JWT_AUDIENCE. Where the service is reached at another address from
    here than its PUBLIC_URL, as between containers, that is `address`.

    Give `lifespan` to your FastAPI app, so that keys and revocations are followed while it runs; an issuer that does
    not answer is asked again every `retry_seconds`. As long as revocations have not been read for
    `max_staleness_seconds`, routes answer 503. `http` is used instead of a client of our own, and left open.
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
        """Start following; an issuer that does not answer yet is waited for in the background."""
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
        """Return whom an access token is from.

        Raises:
            TokenExpired, TokenInvalid, TokenRevoked, TokenStale: no good token; each is `Unauthorized`, 401.
            RevocationUnknown: the issuer could not be read for too long to tell; it is `Unavailable`, 503.
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
        """Return the signed-in person behind a request: `Depends(gatepost.current_user)`; else 401, or 503."""
        token = bearer.credentials.strip(" \t") if bearer is not None else header
        try:
            if not token:
                raise TokenMissing
            return await self.verify(token)
        except AppError as error:
            raise _refusal(error) from error

    def require_role(self, role: str) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        """Return a dependency that gives the person if they have the role, and else answers 403."""

        async def check(user: Annotated[UserPrincipal, Depends(self.current_user)]) -> UserPrincipal:
            if not user.has_role(role):
                raise HTTPException(403, {"code": "role_required", "message": f"Require {role.capitalize()} Role!"})
            return user

        return check

    def require_permission(self, permission: str, *others: str) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        """Return a dependency that gives the person if a role of theirs has the permission, and else answers 403.

        Where `others` are given, any one of all these will do.
        """
        wanted = (permission, *others)
        message = f"The permission {' or '.join(wanted)} is needed."

        async def check(user: Annotated[UserPrincipal, Depends(self.current_user)]) -> UserPrincipal:
            if not any(user.has_permission(word) for word in wanted):
                raise HTTPException(403, {"code": "permission_required", "message": message})
            return user

        return check

    def require_fresh(self, seconds: int = 300) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        """Return a dependency that gives the person if they proved who they are so lately, and else answers 401.

        The answer is that of RFC 9470, `step_up_required`: the app lets the person prove it at `POST
        /api/auth/reauthenticate` of the service, and asks again with the token that it gets there.
        """
        return self._demanding(Demand(max_age=timedelta(seconds=seconds)))

    def require_acr(self, acr: str = Acr.TWO_FACTORS) -> Callable[[UserPrincipal], Awaitable[UserPrincipal]]:
        """Return a dependency that gives the person if it is as sure as this who they are, and else answers 401.

        `acr` is `urn:gatepost:acr:2` for two factors, or `urn:gatepost:acr:phr` for a passkey, which is more. The
        answer is that of `require_fresh`.

        Raises:
            ValueError: it is no `acr` of Gatepost.
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
        """Read what is not fresh; return whether all is well. The feed is read even where the keys cannot be."""
        troubles = []
        for read in (self._issuer.read_keys, partial(self._issuer.read_feed, wait=wait)):
            try:
                await read()
            except Exception as error:  # noqa: BLE001  following outlives whatever one round runs into
                troubles.append(reason(error))
                self._issuer.forget_metadata()
        self._tell(troubles[0] if troubles else "")
        return not troubles

    def _tell(self, trouble: str) -> None:
        """Log what keeps us from following: once, until it is another thing or over."""
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
