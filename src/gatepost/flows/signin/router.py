"""The sign-in route."""

from fastapi import APIRouter

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.flows.signin.schemas import ContinueRequest, EnrolledSignInResponse, PendingRequest, SignInRequest
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.accounts.errors import AccountDisabled, EmailUnverified
from gatepost.identity.assurance.deps import HandoutDep, SignInContinuationDep, SignInServiceDep
from gatepost.identity.assurance.errors import (
    InvalidCode,
    InvalidCredentials,
    PasskeyInvalid,
    PendingSignInInvalid,
    SecondFactorRequired,
)
from gatepost.identity.assurance.trusted_devices import new_name
from gatepost.identity.credentials.deps import PasswordMethodDep
from gatepost.identity.credentials.passkeys.errors import PasskeysUnavailable
from gatepost.identity.credentials.passkeys.schemas import CreationOptionsResponse
from gatepost.identity.credentials.totp.schemas import TotpResponse
from gatepost.identity.factors.errors import FactorUnreadable
from gatepost.identity.sessions.handout import SignInResponse
from gatepost.identity.throttling.deps import DeviceDep, PasskeyLimit
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests

router = APIRouter(prefix="/api/auth", tags=["sign in"])


@router.post("/sigin", include_in_schema=False)  # the spelling of the first API description, which old clients use
@router.post(
    "/signin",
    summary="Sign in",
    responses=problems(
        InvalidCredentials, SecondFactorRequired, AccountDisabled, EmailUnverified, TooManyAttempts, TooManyRequests,
        HashingBusy,
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
    before do not have to wait. If the answer replaces cookies, their session ends. An account with
    a second factor is answered 401 `second_factor_required`, with what continues the sign-in.
    """
    attempt = password.attempt(body.identifier, body.password, info=info, device=device)
    signed_in = await service.sign_in(attempt, replaces=handout.replaces)
    return SignInResponse.of(signed_in, with_tokens=handout.deliver(signed_in))


@router.post(
    "/signin/continue",
    summary="Continue a sign-in with a second factor",
    responses=problems(
        PendingSignInInvalid,
        InvalidCode,
        PasskeyInvalid,
        FactorUnreadable,
        AccountDisabled,
        EmailUnverified,
        TooManyAttempts,
    ),
)
async def continue_sign_in(
    body: ContinueRequest,
    service: SignInContinuationDep,
    handout: HandoutDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> EnrolledSignInResponse | SignInResponse:
    """With the `pendingToken` of 401 `second_factor_required`, within ten minutes, and a code that was not used yet.

    Or with a passkey: `challengeId` of `POST /api/auth/passkeys/options`, and the `credential` of the browser.

    After too many wrong codes the answer is 429, for a time that grows up to a day. With `trustDevice`, this device is
    not asked for the second factor again for TRUSTED_DEVICE_DAYS: it is known by the device token, which is a cookie,
    or `X-Device-Token` where the request has that header.
    """
    trusted_name = new_name() if body.trust_device else None
    signed_in = await service.go_on(
        body.pending_token,
        body.answer,
        info=info,
        device=device,
        trusted_name=trusted_name,
        replaces=handout.replaces,
    )
    with_tokens = handout.deliver(signed_in, device_name=trusted_name)
    if signed_in.recovery_codes:
        return EnrolledSignInResponse.with_codes(signed_in, with_tokens=with_tokens)
    return SignInResponse.of(signed_in, with_tokens=with_tokens)


@router.post(
    "/signin/totp",
    summary="Set up an authenticator app at a sign-in that needs one",
    dependencies=[PasskeyLimit],
    responses=problems(PendingSignInInvalid, EmailUnverified, TooManyRequests),
)
async def enrol_totp(body: PendingRequest, service: SignInContinuationDep) -> TotpResponse:
    """For 401 `second_factor_required` with `enrolMethods`. The first code of the app then continues the sign-in, whose
    answer has the recovery codes.
    """
    return TotpResponse.of(await service.start_totp(body.pending_token))


@router.post(
    "/signin/passkey",
    summary="Begin to set up a passkey at a sign-in that needs a second factor",
    dependencies=[PasskeyLimit],
    responses=problems(PendingSignInInvalid, EmailUnverified, PasskeysUnavailable, TooManyRequests),
)
async def enrol_passkey(body: PendingRequest, service: SignInContinuationDep) -> CreationOptionsResponse:
    """For 401 `second_factor_required` with `enrolMethods`. What the browser makes with these options then continues
    the sign-in, as `challengeId` and `credential`. The answer has the recovery codes.
    """
    return CreationOptionsResponse.of(await service.ask_for_new_passkey(body.pending_token))
