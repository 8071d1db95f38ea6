"""The routes that take a fresh proof of identity."""

from fastapi import APIRouter, Response

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.core.settings import TokenTransport
from gatepost.flows.reauthentication.schemas import ReauthenticationRequest, ReauthenticationResponse
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.access.deps import CurrentUser, IsByCookie
from gatepost.identity.accounts.errors import UserNotFound, WrongPassword
from gatepost.identity.assurance.errors import InvalidCode
from gatepost.identity.credentials.deps import ReauthenticationDep
from gatepost.identity.credentials.passkeys.errors import PasskeysUnavailable
from gatepost.identity.credentials.passkeys.schemas import RequestOptionsResponse
from gatepost.identity.factors.errors import FactorUnreadable
from gatepost.identity.sessions.deps import TokenCookiesDep
from gatepost.identity.throttling.deps import DeviceDep, ProofLimit
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests
from gatepost.identity.tokens.step_up import StepUpRequired

router = APIRouter(prefix="/api/auth", tags=["sessions"])


@router.post(
    "/reauthenticate/options",
    summary="Ask for a passkey of mine",
    dependencies=[ProofLimit],
    responses=problems(UserNotFound, PasskeysUnavailable, TooManyRequests),
)
async def ask_for_own_passkey(user: CurrentUser, reauthentication: ReauthenticationDep) -> RequestOptionsResponse:
    """Options for the browser. What it answers is the `credential` of `POST /api/auth/reauthenticate`, once."""
    return RequestOptionsResponse.of(await reauthentication.ask_for_passkey(user))


@router.post(
    "/reauthenticate",
    summary="Prove my identity again",
    dependencies=[ProofLimit],
    responses=problems(
        InvalidCode,
        StepUpRequired,
        WrongPassword,
        FactorUnreadable,
        UserNotFound,
        TooManyAttempts,
        TooManyRequests,
        HashingBusy,
    ),
)
async def reauthenticate(
    body: ReauthenticationRequest,
    response: Response,
    user: CurrentUser,
    by_cookie: IsByCookie,
    reauthentication: ReauthenticationDep,
    cookies: TokenCookiesDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> ReauthenticationResponse:
    """Some routes need a proof that is at most five minutes old, and answer 401 `step_up_required` without it. The
    access token of this answer has it; the session keeps its refresh token.

    Accounts without a second factor use the password, the others a second factor.
    """
    token = await reauthentication.again(user, body.answer(user.session_id), info=info, device=device)
    with_token = cookies.deliver_access(response, token, asked=TokenTransport.COOKIE if by_cookie else None)
    return ReauthenticationResponse(
        token_type="Bearer",  # noqa: S106  a type, not a token
        access_token=token.token if with_token else None,
        expires_in=token.expires_in,
        acr=token.acr,
        auth_time=token.authenticated_at,
    )
