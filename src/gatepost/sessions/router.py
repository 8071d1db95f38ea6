"""Staying signed in, over HTTP: refresh, sign-out, devices."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Body, Path, Request, Response, status

from gatepost.access.deps import CurrentUser, GateDep, PresentedToken, token_of_headers
from gatepost.accounts.errors import AccountDisabled
from gatepost.core.settings import TokenTransport
from gatepost.http.deps import ClientDep
from gatepost.http.openapi import problems
from gatepost.http.pieces import json_array
from gatepost.limits.deps import RefreshLimit
from gatepost.limits.errors import TooManyRequests
from gatepost.sessions.deps import SessionServiceDep, TokenCookiesDep, TokenServiceDep
from gatepost.sessions.errors import (
    CrossSiteRequest,
    RefreshTokenExpired,
    RefreshTokenInvalid,
    RefreshTokenRequired,
    RefreshTokenReused,
    SessionNotFound,
)
from gatepost.sessions.schemas import RefreshRequest, RefreshResponse, SessionResponse, shown

router = APIRouter(prefix="/api/auth", tags=["sessions"])

OptionalRefresh = Annotated[RefreshRequest | None, Body()]
SessionId = Annotated[int, Path(ge=1, le=2**63 - 1, examples=[1])]


@router.post(
    "/refreshtoken",
    summary="Exchange a refresh token for the next pair",
    dependencies=[RefreshLimit],
    responses=problems(
        RefreshTokenRequired, RefreshTokenInvalid, RefreshTokenExpired, RefreshTokenReused, AccountDisabled,
        CrossSiteRequest, TooManyRequests,
    ),
)  # fmt: skip
async def refresh(
    request: Request,
    response: Response,
    tokens: TokenServiceDep,
    cookies: TokenCookiesDep,
    client: ClientDep,
    body: OptionalRefresh = None,
) -> RefreshResponse:
    """Send it in the body, or by the cookie that sign-in set; an access token that rides along is ignored.

    With rotation (the default) the answer holds a new refresh token and the old one is used up. The one just before
    is answered with its successor again for a few seconds, so that nothing is lost between two tabs.
    """
    sent = body.refresh_token if body else None
    token = sent or cookies.refresh_token(request)
    if token is None:
        raise RefreshTokenRequired
    pair = await tokens.refresh(token, client=client)
    with_tokens = cookies.deliver(response, pair, asked=None if sent else TokenTransport.COOKIE)
    return RefreshResponse.of(pair, with_tokens=with_tokens)


@router.post(
    "/signout",
    summary="End this session",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(RefreshTokenInvalid),
)
async def sign_out(
    request: Request,
    response: Response,
    access_token: PresentedToken,
    gate: GateDep,
    sessions: SessionServiceDep,
    cookies: TokenCookiesDep,
    client: ClientDep,
    body: OptionalRefresh = None,
) -> None:
    """Name the session by a refresh token in the body, else by an access token in a header, else by the cookies.

    Tokens of both kinds end with it.
    """
    cookies.clear(response)
    sent = body.refresh_token if body else None
    kept = None if sent or token_of_headers(request) else cookies.refresh_token(request)
    if sent:
        await sessions.sign_out_with(sent, client=client)
    elif kept:
        with suppress(RefreshTokenInvalid):  # the cookie is taken back all the same
            await sessions.sign_out_with(kept, client=client)
    else:
        await sessions.sign_out(await gate.admit(access_token), client=client)


@router.post("/signout-others", summary="End every other session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out_others(user: CurrentUser, sessions: SessionServiceDep, client: ClientDep) -> None:
    """Every other device is signed out at once; this one stays."""
    await sessions.end_all(user, keep_this=True, client=client)


@router.post("/signout-all", summary="End every session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out_all(
    response: Response,
    user: CurrentUser,
    sessions: SessionServiceDep,
    cookies: TokenCookiesDep,
    client: ClientDep,
) -> None:
    """Every device is signed out at once, this one too."""
    await sessions.end_all(user, keep_this=False, client=client)
    cookies.clear(response)


@router.get("/sessions", summary="The devices that are signed in", response_model=list[SessionResponse])
async def list_sessions(user: CurrentUser, sessions: SessionServiceDep) -> Response:
    """The last used first."""
    return await json_array(shown(sessions.list(user.user_id), current=user.session_id))


@router.delete(
    "/sessions/{session_id}",
    summary="End one session",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(SessionNotFound),
)
async def end_session(session_id: SessionId, user: CurrentUser, sessions: SessionServiceDep, client: ClientDep) -> None:
    """That device is signed out at once."""
    await sessions.end_one(user, session_id, client=client)
