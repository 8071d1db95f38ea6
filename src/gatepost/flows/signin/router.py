"""Signing in, over HTTP."""

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
    password: PasswordMethodDep,
    service: SignInServiceDep,
    handout: HandoutDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> SignInResponse:
    """By user name or e-mail address. One answer for an unknown name and a wrong password, in the same time.

    After too many wrong ones the answer is 429, for a time that grows, except on a device that has signed in before.
    Where the answer sets cookies, the session of those that it replaces ends.
    """
    attempt = password.attempt(body.identifier, body.password, info=info, device=device)
    signed_in = await service.sign_in(attempt, replaces=handout.replaces)
    return SignInResponse.of(signed_in, with_tokens=handout.deliver(signed_in))
