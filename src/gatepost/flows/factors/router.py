"""One's own second factors, over HTTP."""

from fastapi import APIRouter, status

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.flows.factors.deps import FactorServiceDep
from gatepost.flows.factors.errors import NoSecondFactor, SecondFactorsOff, TotpEnrolled, WrongCode
from gatepost.flows.factors.schemas import (
    ConfirmRequest,
    FactorsResponse,
    PasswordProof,
    RecoveryCodesResponse,
    TotpResponse,
)
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.accounts.errors import EmailUnverified, UserNotFound, WrongPassword
from gatepost.identity.credentials.deps import ReauthenticationDep
from gatepost.identity.throttling.deps import ProofLimit
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests

router = APIRouter(prefix="/api/users/me", tags=["account"])

OF_PROOFS = (WrongPassword, TooManyAttempts, TooManyRequests, UserNotFound, HashingBusy)


@router.get("/factors", summary="My second factors", responses=problems(UserNotFound))
async def factors(user: CurrentUser, service: FactorServiceDep) -> FactorsResponse:
    """What is set up, since when, and when it was used last."""
    return FactorsResponse.of(await service.of(user))


@router.post(
    "/totp",
    summary="Start setting up an authenticator app",
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, SecondFactorsOff, EmailUnverified, TotpEnrolled),
)
async def start_totp(
    body: PasswordProof,
    user: CurrentUser,
    reauthentication: ReauthenticationDep,
    service: FactorServiceDep,
    info: RequestInfoDep,
) -> TotpResponse:
    """The secret is shown this once, and counts once its first code has confirmed it, within an hour."""
    proved = await reauthentication.by_password(user, body.password, info=info)
    return TotpResponse.of(await service.start_totp(user, proved_hash=proved.password_hash))


@router.post(
    "/totp/confirm",
    summary="Confirm an authenticator app with its first code",
    dependencies=[ProofLimit],
    responses=problems(WrongCode, TooManyAttempts, TooManyRequests, UserNotFound),
)
async def confirm_totp(
    body: ConfirmRequest, user: CurrentUser, service: FactorServiceDep, info: RequestInfoDep
) -> RecoveryCodesResponse:
    """From now on a sign-in takes a code. The recovery codes are shown this once; every other session ends."""
    return RecoveryCodesResponse(recovery_codes=await service.confirm_totp(user, body.code, info=info))


@router.delete(
    "/totp",
    summary="Remove my authenticator app",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, NoSecondFactor),
)
async def remove_totp(
    body: PasswordProof,
    user: CurrentUser,
    reauthentication: ReauthenticationDep,
    service: FactorServiceDep,
    info: RequestInfoDep,
) -> None:
    """The recovery codes go with it; the password alone is enough to sign in then."""
    proved = await reauthentication.by_password(user, body.password, info=info)
    await service.remove_totp(user, proved_hash=proved.password_hash, info=info)


@router.post(
    "/recovery-codes",
    summary="Make new recovery codes",
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, NoSecondFactor),
)
async def replace_recovery_codes(
    body: PasswordProof,
    user: CurrentUser,
    reauthentication: ReauthenticationDep,
    service: FactorServiceDep,
    info: RequestInfoDep,
) -> RecoveryCodesResponse:
    """They are shown this once; those of before are void."""
    proved = await reauthentication.by_password(user, body.password, info=info)
    codes = await service.replace_recovery_codes(user, proved_hash=proved.password_hash, info=info)
    return RecoveryCodesResponse(recovery_codes=list(codes))
