"""The routes of one's own account."""

from typing import Any

from fastapi import APIRouter, Request, Response, status

from gatepost.flows.profile.deps import DeletionServiceDep, ProfileServiceDep
from gatepost.flows.profile.schemas import DeletionResponse, ProfileChangeRequest, ProfileResponse
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.http.pieces import json_object
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.accounts.errors import (
    LastAdministrator,
    UsernameInvalid,
    UsernameTaken,
    UserNotFound,
)
from gatepost.identity.credentials.deps import OF_PROOFS, Confirm
from gatepost.identity.sessions.deps import BrowsersDep
from gatepost.identity.throttling.deps import ChangeLimit, ProofLimit
from gatepost.identity.throttling.errors import TooManyRequests

router = APIRouter(prefix="/api/users", tags=["account"])

EXPORT_EXAMPLE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": {"account": {"id": 1}, "sessions": [], "activity": []}}}}
}
AS_FILE = {"Content-Disposition": 'attachment; filename="gatepost-account.json"'}


@router.get("/me", summary="My account", responses=problems(UserNotFound))
async def me(user: CurrentUser, profiles: ProfileServiceDep) -> ProfileResponse:
    """The account as it is now. The roles in the access token may be older."""
    return ProfileResponse.of(await profiles.get(user))


@router.patch(
    "/me",
    summary="Change my account",
    dependencies=[ChangeLimit],
    responses=problems(UsernameTaken, UsernameInvalid, UserNotFound, TooManyRequests),
)
async def change_me(
    body: ProfileChangeRequest, user: CurrentUser, profiles: ProfileServiceDep, info: RequestInfoDep
) -> ProfileResponse:
    """Change the user name or the language. Addresses and passwords have their own routes.

    Refresh the access token after a change of the user name.
    """
    return ProfileResponse.of(await profiles.change(user, body.change(), info=info))


@router.get("/me/export", summary="Export my data", responses=EXPORT_EXAMPLE | problems(UserNotFound))
async def export_me(user: CurrentUser, deletion: DeletionServiceDep) -> Response:
    """The account, its sessions, its links and its audit log entries (the newest first), as JSON."""
    return await json_object(await deletion.export(user), headers=AS_FILE)


@router.delete(
    "/me",
    summary="Delete my account",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, LastAdministrator),
)
async def delete_me(
    request: Request,
    user: CurrentUser,
    confirm: Confirm,
    deletion: DeletionServiceDep,
    browsers: BrowsersDep,
    info: RequestInfoDep,
) -> DeletionResponse:
    """Every session ends now. The account is deleted after a waiting period; signing in before then cancels the
    deletion.
    """
    proved = await confirm()
    erase_at = await deletion.ask_deletion(user, proved_hash=proved.password_hash, info=info)
    await browsers.forget(request, info=info)
    return DeletionResponse(erase_at=erase_at, message="Your account will be deleted. Sign in before then to keep it.")
