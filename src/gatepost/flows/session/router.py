"""Staying signed in, over HTTP: refresh, sign-out, devices."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response, status

from gatepost.core.ids import LARGEST_ID
from gatepost.core.settings import TokenTransport
from gatepost.http.body_guard import is_json
from gatepost.http.deps import RequestInfoDep
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

# Of a sign-out: whatever its body is, it is done.
ANY_BODY: dict[str, Any] = {
    "description": 'A refresh token, as `{"refreshToken": "gpr_1.0.h3Zk…"}`, whose session is to end.',
    "content": {"application/json": {"schema": {"examples": [{"refreshToken": "gpr_1.0.h3Zk…"}]}}},
}
OptionalRefresh = Annotated[RefreshRequest | None, Body()]
SessionId = Annotated[int, Path(ge=1, le=LARGEST_ID, examples=[1])]


@router.post(
    "/refreshtoken",
    summary="Exchange a refresh token for the next pair",
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
    """Send it in the body, or by the cookie that sign-in set; an access token that rides along is ignored.

    With rotation (the default) the answer holds a new refresh token and the old one is used up. The one just before
    is answered with its successor again for a few seconds, so that nothing is lost between two tabs. A refusal takes
    the cookies back.
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
    """The session of every token that is sent ends: in a header, an expired one too, in the body, or by the cookies.

    The cookies are taken back. Where no token is good, nothing is left to end, and the answer is the same. A body that
    holds no refresh token is not looked at, whatever it is.
    """
    is_read = is_json(request.headers.get("content-type", ""))
    refresh_token = refresh_token_in(await request.body()) if is_read else None
    sent = HeldTokens(access_tokens, [refresh_token] if refresh_token else [])
    await browsers.sign_out(request, sent, info=info)


@router.post("/signout-others", summary="End every other session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out_others(user: CurrentUser, sessions: SessionServiceDep, info: RequestInfoDep) -> None:
    """Every other device is signed out at once; this one stays."""
    await sessions.end_all(user, keep_this=True, info=info)


@router.post("/signout-all", summary="End every session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out_all(
    request: Request,
    user: CurrentUser,
    sessions: SessionServiceDep,
    browsers: BrowsersDep,
    info: RequestInfoDep,
) -> None:
    """Every device is signed out at once, this one too."""
    await sessions.end_all(user, keep_this=False, info=info)
    await browsers.forget(request, info=info)


@router.get("/sessions", summary="The devices that are signed in", response_model=list[SessionResponse])
async def list_sessions(user: CurrentUser, sessions: SessionServiceDep) -> Response:
    """The last used first."""
    return await json_array(shown(sessions.list(user), current=user.session_id))


@router.delete(
    "/sessions/{session_id}",
    summary="End one session",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(SessionNotFound),
)
async def end_session(
    session_id: SessionId,
    request: Request,
    user: CurrentUser,
    sessions: SessionServiceDep,
    browsers: BrowsersDep,
    info: RequestInfoDep,
) -> None:
    """That device is signed out at once; this one as well, if it is meant."""
    await sessions.end_one(user, session_id, info=info)
    if session_id == user.session_id:
        await browsers.forget(request, info=info)
