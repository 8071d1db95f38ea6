"""The routes that take a fresh proof of identity."""

from fastapi import APIRouter, Response, status

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.core.settings import TokenTransport
from gatepost.flows.reauthentication.schemas import ReauthenticationRequest, ReauthenticationResponse
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.http.schemas import MessageResponse
from gatepost.identity.access.deps import CurrentUser, IsByCookie
from gatepost.identity.accounts.errors import UserNotFound, WrongPassword
from gatepost.identity.assurance.errors import InvalidCode
from gatepost.identity.credentials.deps import ReauthenticationDep
from gatepost.identity.credentials.passkeys.errors import PasskeysUnavailable
from gatepost.identity.credentials.passkeys.schemas import RequestOptionsResponse
from gatepost.identity.factors.errors import FactorUnreadable
from gatepost.identity.sessions.deps import TokenCookiesDep
from gatepost.identity.throttling.deps import DeviceDep, MailLimit, ProofLimit
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
    "/reauthenticate/email-code",
    summary="Request a code to prove my identity again",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit, ProofLimit],
    responses=problems(StepUpRequired, UserNotFound, TooManyRequests),
)
async def ask_for_own_code(
    user: CurrentUser, reauthentication: ReauthenticationDep, info: RequestInfoDep, device: DeviceDep
) -> MessageResponse:
    """Send a code to the address of an account that has neither a password nor a second factor. It is the `code` of
    `POST /api/auth/reauthenticate`, in this session, for ten minutes and five tries.
    """
    await reauthentication.ask_for_code(user, info=info, device=device)
    return MessageResponse(message="We have sent you a code.")


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

    Accounts with a second factor use that, the others their password. Those that have neither use a code by mail, of
    `POST /api/auth/reauthenticate/email-code`.
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
