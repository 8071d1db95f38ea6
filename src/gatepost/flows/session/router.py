"""The session routes: refresh, sign-out, devices."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response, status

from gatepost.core.settings import TokenTransport
from gatepost.http.body_guard import is_json
from gatepost.http.deps import PathId, RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.http.pieces import json_array
from gatepost.http.problems import RepeatedParameter
from gatepost.identity.access.deps import CurrentUser, TokensOfHeaders
from gatepost.identity.accounts.errors import AccountDisabled
from gatepost.identity.sessions.deps import BrowsersDep, SessionServiceDep, TokenCookiesDep, TokenServiceDep
from gatepost.identity.sessions.errors import AmbiguousCookie, CrossSiteRequest, SessionNotFound
from gatepost.identity.sessions.handout import HeldTokens
from gatepost.identity.sessions.schemas import RefreshRequest, RefreshResponse, SessionResponse, refresh_token_in, shown
from gatepost.identity.throttling.deps import RefreshLimit
from gatepost.identity.throttling.errors import TooManyRequests
from gatepost.identity.tokens.errors import (
    RefreshTokenExpired,
    RefreshTokenInvalid,
    RefreshTokenRequired,
    RefreshTokenReused,
)

router = APIRouter(prefix="/api/auth", tags=["sessions"])

# A sign-out succeeds with any body.
ANY_BODY: dict[str, Any] = {
    "description": 'A refresh token, as `{"refreshToken": "gpr_1.0.h3Zk…"}`, whose session should end.',
    "content": {"application/json": {"schema": {"examples": [{"refreshToken": "gpr_1.0.h3Zk…"}]}}},
}
OptionalRefresh = Annotated[RefreshRequest | None, Body()]


@router.post(
    "/refreshtoken",
    summary="Exchange a refresh token for a new access token",
    dependencies=[RefreshLimit],
    responses=problems(
        RefreshTokenRequired, RefreshTokenInvalid, RefreshTokenExpired, RefreshTokenReused, AccountDisabled,
        CrossSiteRequest, AmbiguousCookie, TooManyRequests,
    ),
)  # fmt: skip
async def refresh(
    request: Request,
    response: Response,
    tokens: TokenServiceDep,
    cookies: TokenCookiesDep,
    browsers: BrowsersDep,
    info: RequestInfoDep,
    body: OptionalRefresh = None,
) -> RefreshResponse:
    """Send the refresh token in the body, or as the cookie that sign-in set. An access token in the request is ignored.

    With rotation (the default) the answer holds a new refresh token, and the old one is used up. For a few seconds the
    old one returns the same successor again, so that two tabs can refresh at once. A refused refresh deletes the
    cookies.
    """
    sent = body.refresh_token if body else None
    token = sent or cookies.refresh_token(request)
    if token is None:
        raise RefreshTokenRequired
    async with browsers.signed_out_if_refused(request, is_verified=bool(sent), info=info):
        pair = await tokens.refresh(token, info=info)
    with_tokens = cookies.deliver(response, pair, asked=None if sent else TokenTransport.COOKIE)
    return RefreshResponse.of(pair, with_tokens=with_tokens)


@router.post(
    "/signout",
    summary="End this session",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(CrossSiteRequest, RepeatedParameter),
    openapi_extra={"requestBody": ANY_BODY},
)
async def sign_out(
    request: Request, access_tokens: TokensOfHeaders, browsers: BrowsersDep, info: RequestInfoDep
) -> None:
    """End the session of every token in the request: in a header (even an expired one), in the body or in a cookie.

    The cookies are deleted. The answer is the same if no token is valid. A body without a refresh token is ignored.
    """
    is_read = is_json(request.headers.get("content-type", ""))
    refresh_token = refresh_token_in(await request.body()) if is_read else None
    sent = HeldTokens(access_tokens, [refresh_token] if refresh_token else [])
    await browsers.sign_out(request, sent, info=info)


@router.post("/signout-others", summary="End every other session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out_others(user: CurrentUser, sessions: SessionServiceDep, info: RequestInfoDep) -> None:
    """Sign out every other device at once. This one stays signed in."""
    await sessions.end_all(user, keep_this=True, info=info)


@router.post("/signout-all", summary="End every session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out_all(
    request: Request,
    user: CurrentUser,
    sessions: SessionServiceDep,
    browsers: BrowsersDep,
    info: RequestInfoDep,
) -> None:
    """Sign out every device at once, including this one."""
    await sessions.end_all(user, keep_this=False, info=info)
    await browsers.forget(request, info=info)


@router.get("/sessions", summary="List my sessions", response_model=list[SessionResponse])
async def list_sessions(user: CurrentUser, sessions: SessionServiceDep) -> Response:
    """The devices where you are signed in, the most recently used first."""
    return await json_array(shown(sessions.list(user), current=user.session_id))


@router.delete(
    "/sessions/{session_id}",
    summary="End one session",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(SessionNotFound),
)
async def end_session(
    session_id: PathId,
    request: Request,
    user: CurrentUser,
    sessions: SessionServiceDep,
    browsers: BrowsersDep,
    info: RequestInfoDep,
) -> None:
    """Sign out one device at once. It can be this one."""
    await sessions.end_one(user, session_id, info=info)
    if session_id == user.session_id:
        await browsers.forget(request, info=info)
