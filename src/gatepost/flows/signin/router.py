"""Signing up and in, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, status

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.core.settings import TokenTransport
from gatepost.flows.profile.deps import SignUpServiceDep
from gatepost.flows.recovery.schemas import MessageResponse
from gatepost.flows.signin.deps import SignInServiceDep
from gatepost.flows.signin.errors import GrantIncomplete, InvalidCredentials, UnsupportedGrantType
from gatepost.flows.signin.schemas import SignInRequest, SignInResponse, SignUpResponse, TokenAnswer, TokenForm
from gatepost.http.deps import ClientDep
from gatepost.http.openapi import problems
from gatepost.identity.accounts.errors import (
    AccountDisabled,
    EmailTaken,
    EmailUnverified,
    InvitationUnusable,
    RoleNotGrantable,
    RolesTooLong,
    SignUpByInvitation,
    SignUpClosed,
    UnknownRole,
    UnusablePassword,
    UnusableUsername,
    UsernameTaken,
)
from gatepost.identity.accounts.schemas import SignUpRequest
from gatepost.identity.sessions.deps import BrowsersDep, TokenCookiesDep, TokenServiceDep, TransportQuery
from gatepost.identity.sessions.errors import RefreshTokenExpired, RefreshTokenInvalid, RefreshTokenReused
from gatepost.identity.throttling.deps import DeviceDep, RefreshLimit, RememberDevice, SignUpLimit
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests

router = APIRouter(prefix="/api/auth", tags=["sign in"])


@router.post(
    "/signup",
    summary="Make an account and sign in",
    status_code=status.HTTP_201_CREATED,
    dependencies=[SignUpLimit],
    responses=problems(
        UsernameTaken, UnusableUsername, EmailTaken, UnknownRole, RoleNotGrantable, UnusablePassword, SignUpClosed,
        SignUpByInvitation, InvitationUnusable, RolesTooLong, HashingBusy, TooManyRequests,
    )
    | {202: {"model": MessageResponse, "description": "A mail tells how to go on."}},
)  # fmt: skip
async def sign_up(
    body: SignUpRequest,
    request: Request,
    response: Response,
    service: SignUpServiceDep,
    cookies: TokenCookiesDep,
    browsers: BrowsersDep,
    client: ClientDep,
    remember: RememberDevice,
    transport: TransportQuery = None,
) -> SignUpResponse | MessageResponse:
    """The account gets the role `user`; administrators give others, by an invitation or later.

    No cookie is set unless `transport=cookie` asks for it.

    Where the address is to be proved first, or the deployment does not tell what is taken, the answer is 202 for
    everybody, and a mail tells how to go on.
    """
    replaces = browsers.replaced(request, asked=transport, unasked=False)
    signed_in = await service.sign_up(body.wish(), client=client, replaces=replaces)
    if signed_in is None:
        response.status_code = status.HTTP_202_ACCEPTED
        return MessageResponse(message="We have sent you a mail. Please follow its link.")
    remember(signed_in.user, by_cookie=transport is TokenTransport.COOKIE)
    with_tokens = cookies.deliver(response, signed_in.tokens, asked=transport, unasked=False)
    return SignUpResponse.of(signed_in, with_tokens=with_tokens)


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
    client: ClientDep,
    device: DeviceDep,
    remember: RememberDevice,
    transport: TransportQuery = None,
) -> SignInResponse:
    """By user name or e-mail address. One answer for an unknown name and a wrong password, in the same time.

    After too many wrong ones the answer is 429, for a time that grows, except on a device that has signed in before.
    Where the answer sets cookies, the session of those that it replaces ends.
    """
    replaces = browsers.replaced(request, asked=transport)
    signed_in = await service.with_password(
        body.identifier, body.password, client=client, device=device, replaces=replaces
    )
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
    client: ClientDep,
    device: DeviceDep,
    remember: RememberDevice,
) -> TokenAnswer:
    """The grants `password` and `refresh_token` of RFC 6749; *Authorize* on this page uses it."""
    match form.grant_type, form.username, form.password, form.refresh_token:
        case "password", str(username), str(password), _:
            signed_in = await service.with_password(username, password, client=client, device=device)
            remember(signed_in.user)
            return TokenAnswer.of(signed_in.tokens)
        case "refresh_token", _, _, str(refresh_token):
            return TokenAnswer.of(await tokens.refresh(refresh_token, client=client))
        case "password" | "refresh_token", _, _, _:
            raise GrantIncomplete
        case _:
            raise UnsupportedGrantType
