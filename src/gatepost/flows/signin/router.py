"""The sign-in route."""

from fastapi import APIRouter

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.flows.signin.schemas import SignInRequest
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.accounts.errors import AccountDisabled, EmailUnverified
from gatepost.identity.assurance.deps import HandoutDep, SignInServiceDep
from gatepost.identity.assurance.errors import InvalidCredentials
from gatepost.identity.credentials.deps import PasswordMethodDep
from gatepost.identity.sessions.handout import SignInResponse
from gatepost.identity.throttling.deps import DeviceDep
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests

router = APIRouter(prefix="/api/auth", tags=["sign in"])


@router.post("/sigin", include_in_schema=False)  # the spelling of the first API description, which old clients use
@router.post(
    "/signin",
    summary="Sign in",
    responses=problems(
        InvalidCredentials, AccountDisabled, EmailUnverified, TooManyAttempts, TooManyRequests, HashingBusy
    ),
)  # fmt: skip
async def sign_in(
    body: SignInRequest,
    password: PasswordMethodDep,
    service: SignInServiceDep,
    handout: HandoutDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> SignInResponse:
    """Sign in with a user name or an e-mail address. An unknown name and a wrong password get the same answer, in the
    same time.

    After too many wrong passwords the answer is 429, and the wait grows with each attempt. Devices that have signed in
    before do not have to wait. If the answer replaces cookies, their session ends.
    """
    attempt = password.attempt(body.identifier, body.password, info=info, device=device)
    signed_in = await service.sign_in(attempt, replaces=handout.replaces)
    return SignInResponse.of(signed_in, with_tokens=handout.deliver(signed_in))
