"""Signing in, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.flows.signin.deps import SignInServiceDep
from gatepost.flows.signin.errors import GrantIncomplete, InvalidCredentials, UnsupportedGrantType
from gatepost.flows.signin.schemas import SignInRequest, TokenAnswer, TokenForm
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.accounts.errors import (
    AccountDisabled,
    EmailUnverified,
)
from gatepost.identity.sessions.deps import BrowsersDep, TokenCookiesDep, TokenServiceDep, TransportQuery
from gatepost.identity.sessions.handout import SignInResponse
from gatepost.identity.throttling.deps import DeviceDep, RefreshLimit, RememberDevice
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests
from gatepost.identity.tokens.errors import RefreshTokenExpired, RefreshTokenInvalid, RefreshTokenReused

router = APIRouter(prefix="/api/auth", tags=["sign in"])


@router.post("/sigin", include_in_schema=False)  # as clients of the first description spell it
@router.post(
    "/signin",
    summary="Sign in",
    responses=problems(
        InvalidCredentials, AccountDisabled, EmailUnverified, TooManyAttempts, TooManyRequests, HashingBusy
    ),
)  # fmt: skip
async def sign_in(
    body: SignInRequest,
    request: Request,
    response: Response,
    service: SignInServiceDep,
    cookies: TokenCookiesDep,
    browsers: BrowsersDep,
    info: RequestInfoDep,
    device: DeviceDep,
    remember: RememberDevice,
    transport: TransportQuery = None,
) -> SignInResponse:
    """By user name or e-mail address. One answer for an unknown name and a wrong password, in the same time.

    After too many wrong ones the answer is 429, for a time that grows, except on a device that has signed in before.
    Where the answer sets cookies, the session of those that it replaces ends.
    """
    replaces = browsers.replaced(request, asked=transport)
    signed_in = await service.with_password(body.identifier, body.password, info=info, device=device, replaces=replaces)
    remember(signed_in.user)
    with_tokens = cookies.deliver(response, signed_in.tokens, asked=transport)
    return SignInResponse.of(signed_in, with_tokens=with_tokens)


@router.post(
    "/token",
    summary="OAuth 2.0 token endpoint",
    dependencies=[RefreshLimit],
    responses=problems(
        InvalidCredentials, AccountDisabled, EmailUnverified, TooManyAttempts, HashingBusy, UnsupportedGrantType,
        GrantIncomplete, TooManyRequests, RefreshTokenInvalid, RefreshTokenExpired, RefreshTokenReused,
    ),
)  # fmt: skip
async def token(
    form: Annotated[TokenForm, Form()],
    service: SignInServiceDep,
    tokens: TokenServiceDep,
    info: RequestInfoDep,
    device: DeviceDep,
    remember: RememberDevice,
) -> TokenAnswer:
    """The grants `password` and `refresh_token` of RFC 6749; *Authorize* on this page uses it."""
    match form.grant_type, form.username, form.password, form.refresh_token:
        case "password", str(username), str(password), _:
            signed_in = await service.with_password(username, password, info=info, device=device)
            remember(signed_in.user)
            return TokenAnswer.of(signed_in.tokens)
        case "refresh_token", _, _, str(refresh_token):
            return TokenAnswer.of(await tokens.refresh(refresh_token, info=info))
        case "password" | "refresh_token", _, _, _:
            raise GrantIncomplete
        case _:
            raise UnsupportedGrantType
