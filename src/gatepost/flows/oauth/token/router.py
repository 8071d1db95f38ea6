"""The token endpoint."""

from typing import Annotated

from fastapi import APIRouter, Form

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.flows.oauth.errors import GrantIncomplete, UnsupportedGrantType
from gatepost.flows.oauth.schemas import TokenAnswer, TokenForm
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.accounts.errors import AccountDisabled, EmailUnverified
from gatepost.identity.assurance.deps import SignInServiceDep
from gatepost.identity.assurance.errors import InvalidCredentials, SecondFactorRequired
from gatepost.identity.credentials.deps import PasswordMethodDep
from gatepost.identity.sessions.deps import TokenServiceDep
from gatepost.identity.throttling.deps import DeviceDep, RefreshLimit, RememberDevice
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests
from gatepost.identity.tokens.errors import RefreshTokenExpired, RefreshTokenInvalid, RefreshTokenReused

router = APIRouter(prefix="/api/auth", tags=["sign in"])


@router.post(
    "/token",
    summary="OAuth 2.0 token endpoint",
    dependencies=[RefreshLimit],
    responses=problems(
        InvalidCredentials, SecondFactorRequired, AccountDisabled, EmailUnverified, TooManyAttempts, HashingBusy,
        UnsupportedGrantType, GrantIncomplete, TooManyRequests, RefreshTokenInvalid, RefreshTokenExpired,
        RefreshTokenReused,
    ),
)  # fmt: skip
async def token(
    form: Annotated[TokenForm, Form()],
    password: PasswordMethodDep,
    service: SignInServiceDep,
    tokens: TokenServiceDep,
    info: RequestInfoDep,
    device: DeviceDep,
    remember: RememberDevice,
) -> TokenAnswer:
    """The grant types `password` and `refresh_token` of RFC 6749. *Authorize* on this page uses this endpoint."""
    match form.grant_type, form.username, form.password, form.refresh_token:
        case "password", str(username), str(typed), _:
            signed_in = await service.sign_in(password.attempt(username, typed, info=info, device=device))
            remember(signed_in.user)
            return TokenAnswer.of(signed_in.tokens)
        case "refresh_token", _, _, str(refresh_token):
            return TokenAnswer.of(await tokens.refresh(refresh_token, info=info))
        case "password" | "refresh_token", _, _, _:
            raise GrantIncomplete
        case _:
            raise UnsupportedGrantType
