"""One's own second factors, over HTTP."""

from fastapi import APIRouter, status

from gatepost.flows.factors.deps import FactorServiceDep, TrustedDeviceServiceDep
from gatepost.flows.factors.errors import TrustedDeviceNotFound, WrongCode
from gatepost.flows.factors.schemas import (
    ConfirmRequest,
    FactorsResponse,
    RecoveryCodesResponse,
    TrustedDeviceResponse,
)
from gatepost.http.deps import PathId, RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.accounts.errors import EmailUnverified, UserNotFound
from gatepost.identity.credentials.deps import OF_PROOFS, Confirm
from gatepost.identity.credentials.totp.schemas import TotpResponse
from gatepost.identity.factors.errors import FactorUnreadable, NoSecondFactor, SecondFactorsOff, TotpEnrolled
from gatepost.identity.throttling.deps import DeviceDep, ProofLimit
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests

router = APIRouter(prefix="/api/users/me", tags=["account"])


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
    user: CurrentUser,
    confirm: Confirm,
    service: FactorServiceDep,
) -> TotpResponse:
    """The secret is shown only once. It counts as soon as the app's first code has confirmed it, within an hour."""
    proved = await confirm()
    return TotpResponse.of(await service.start_totp(user, proved_hash=proved.password_hash))


@router.post(
    "/totp/confirm",
    summary="Confirm an authenticator app with its first code",
    dependencies=[ProofLimit],
    responses=problems(WrongCode, FactorUnreadable, TooManyAttempts, TooManyRequests, UserNotFound),
)
async def confirm_totp(
    body: ConfirmRequest, user: CurrentUser, service: FactorServiceDep, info: RequestInfoDep
) -> RecoveryCodesResponse:
    """From now on a sign-in needs a second factor. With the first one there are recovery codes, shown only once, and
    every other session ends.
    """
    return RecoveryCodesResponse(recovery_codes=await service.confirm_totp(user, body.code, info=info))


@router.delete(
    "/totp",
    summary="Remove my authenticator app",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, NoSecondFactor),
)
async def remove_totp(
    user: CurrentUser,
    confirm: Confirm,
    service: FactorServiceDep,
    info: RequestInfoDep,
) -> None:
    """Other sessions that signed in with it end. The recovery codes go with the last second factor; the password alone
    is enough to sign in then.
    """
    proved = await confirm()
    await service.remove_totp(user, proved_hash=proved.password_hash, info=info)


@router.post(
    "/recovery-codes",
    summary="Make new recovery codes",
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, NoSecondFactor),
)
async def replace_recovery_codes(
    user: CurrentUser,
    confirm: Confirm,
    service: FactorServiceDep,
    info: RequestInfoDep,
) -> RecoveryCodesResponse:
    """They are shown only once. Earlier codes no longer work, and other sessions that signed in with one end."""
    proved = await confirm()
    codes = await service.replace_recovery_codes(user, proved_hash=proved.password_hash, info=info)
    return RecoveryCodesResponse(recovery_codes=list(codes))


@router.get("/trusted-devices", summary="My trusted devices", responses=problems(UserNotFound))
async def trusted_devices(
    user: CurrentUser, service: TrustedDeviceServiceDep, device: DeviceDep
) -> list[TrustedDeviceResponse]:
    """Those on which a sign-in asks for no second factor, the last used first."""
    return [TrustedDeviceResponse.of(trusted, device, until=until) for trusted, until in await service.of(user)]


@router.delete(
    "/trusted-devices/{device_id}",
    summary="Remove a trusted device",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(TrustedDeviceNotFound, UserNotFound),
)
async def forget_device(
    device_id: PathId, user: CurrentUser, service: TrustedDeviceServiceDep, info: RequestInfoDep
) -> None:
    """The next sign-in on it needs the second factor. Its sessions end, except the one that sends the request."""
    await service.forget(user, device_id, info=info)
