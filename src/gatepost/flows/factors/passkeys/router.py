"""One's own passkeys, over HTTP."""

from fastapi import APIRouter, status

from gatepost.flows.factors.errors import LastWayIn, PasskeyNotFound, TooManyPasskeys
from gatepost.flows.factors.passkeys.deps import PasskeyServiceDep
from gatepost.flows.factors.passkeys.schemas import (
    AddedPasskeyResponse,
    NewPasskeyRequest,
    PasskeyResponse,
    PasskeysResponse,
    RenameRequest,
)
from gatepost.http.deps import PathId, RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.accounts.errors import EmailUnverified, UserNotFound
from gatepost.identity.credentials.deps import OF_PROOFS, Confirm
from gatepost.identity.credentials.passkeys.errors import PasskeysUnavailable, WrongPasskey
from gatepost.identity.credentials.passkeys.schemas import CreationOptionsResponse
from gatepost.identity.factors.errors import SecondFactorsOff
from gatepost.identity.throttling.deps import ChangeLimit, ProofLimit
from gatepost.identity.throttling.errors import TooManyRequests

router = APIRouter(prefix="/api/users/me", tags=["account"])

OF_ADDING = (SecondFactorsOff, EmailUnverified, TooManyPasskeys, PasskeysUnavailable)


@router.get("/passkeys", summary="My passkeys", responses=problems(UserNotFound))
async def passkeys(user: CurrentUser, service: PasskeyServiceDep) -> PasskeysResponse:
    """The oldest first, with what browsers know the account by."""
    return PasskeysResponse.of(await service.of(user))


@router.post(
    "/passkeys/options",
    summary="Begin to add a passkey",
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, *OF_ADDING),
)
async def start_passkey(
    user: CurrentUser,
    confirm: Confirm,
    service: PasskeyServiceDep,
) -> CreationOptionsResponse:
    """Options for the browser. What it makes is accepted within ten minutes, in this session."""
    proved = await confirm()
    return CreationOptionsResponse.of(await service.start(user, proved_hash=proved.password_hash))


@router.post(
    "/passkeys",
    summary="Add a passkey",
    status_code=status.HTTP_201_CREATED,
    dependencies=[ProofLimit],
    responses=problems(WrongPasskey, *OF_ADDING, TooManyRequests, UserNotFound),
)
async def add_passkey(
    body: NewPasskeyRequest, user: CurrentUser, service: PasskeyServiceDep, info: RequestInfoDep
) -> AddedPasskeyResponse:
    """With what the browser has made. The first second factor comes with recovery codes, and ends every other session.

    From now on a sign-in with the password alone is not enough.
    """
    added = await service.add(user, body.challenge_id, body.credential, name=body.name, info=info)
    return AddedPasskeyResponse.added(*added)


@router.patch(
    "/passkeys/{passkey_id}",
    summary="Rename a passkey",
    dependencies=[ChangeLimit],
    responses=problems(PasskeyNotFound, TooManyRequests, UserNotFound),
)
async def rename_passkey(
    passkey_id: PathId, body: RenameRequest, user: CurrentUser, service: PasskeyServiceDep, info: RequestInfoDep
) -> PasskeyResponse:
    """The name is for yourself alone."""
    return PasskeyResponse.of(await service.rename(user, passkey_id, body.name, info=info))


@router.delete(
    "/passkeys/{passkey_id}",
    summary="Remove a passkey",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, PasskeyNotFound, LastWayIn),
)
async def remove_passkey(
    passkey_id: PathId,
    user: CurrentUser,
    confirm: Confirm,
    service: PasskeyServiceDep,
    info: RequestInfoDep,
) -> None:
    """Other sessions that signed in with it end. The recovery codes go with the last second factor."""
    proved = await confirm()
    await service.remove(user, passkey_id, proved_hash=proved.password_hash, info=info)


@router.delete(
    "/password",
    summary="Remove my password",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, LastWayIn),
)
async def remove_password(
    user: CurrentUser,
    confirm: Confirm,
    service: PasskeyServiceDep,
    info: RequestInfoDep,
) -> None:
    """You sign in with a passkey only. Every other session ends. A mail ("forgot password") can set one again."""
    proved = await confirm()
    await service.remove_password(user, proved_hash=proved.password_hash, info=info)
