"""The routes of account administration."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response, status

from gatepost.admin.accounts.deps import (
    AccountEditorDep,
    AccountLifecycleDep,
    AccountReaderDep,
    AfterQuery,
    CallerDep,
    CanReadUsers,
    CanWriteUsers,
    FilterDep,
    IfMatchDep,
    PageQuery,
    SizeQuery,
    SortQuery,
)
from gatepost.admin.accounts.errors import BeyondAuthority, CursorInvalid, OwnAccount, VersionMismatch
from gatepost.admin.accounts.preconditions import tag_of_user
from gatepost.admin.accounts.schemas import (
    NewUserRequest,
    UserChangeRequest,
    UserPageResponse,
    UserResponse,
    UserRolesRequest,
)
from gatepost.admin.accounts.search import Sort
from gatepost.admin.accounts.spreadsheet import COLUMNS, csv_of, line
from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.http.deps import PathId
from gatepost.http.openapi import problems
from gatepost.http.pieces import in_pieces, json_array
from gatepost.identity.access.errors import PermissionRequired
from gatepost.identity.accounts.errors import (
    EmailTaken,
    LastAdministrator,
    PasswordNotAllowed,
    RolesTooLong,
    UnknownRole,
    UsernameInvalid,
    UsernameTaken,
    UserNotFound,
)
from gatepost.identity.credentials.deps import FreshProof
from gatepost.identity.sessions.schemas import SessionResponse, shown
from gatepost.identity.tokens.step_up import StepUpRequired

router = APIRouter(prefix="/api/admin/users", tags=["administration"])

OF_ACTS = (PermissionRequired, UserNotFound, BeyondAuthority, VersionMismatch)
NO_SESSION = 0
AS_FILE = {"Content-Disposition": 'attachment; filename="people.csv"', "Cache-Control": "no-store"}
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": line(COLUMNS[:3])}}}
}


@router.get(
    "",
    summary="List accounts",
    dependencies=[CanReadUsers],
    responses=problems(PermissionRequired, UnknownRole, CursorInvalid),
)
async def list_users(
    accounts: AccountReaderDep,
    wanted: FilterDep,
    page: PageQuery = 1,
    size: SizeQuery = 20,
    sort: SortQuery = Sort.ID,
    after: AfterQuery = None,
) -> UserPageResponse:
    """Request pages by number (`page`), or with the `next` of the previous page (`after`), which is as fast on the last
    page as on the first. Without a filter, `total` is exact. With one, at most 10,000 accounts are counted, and
    `totalIsExact` says whether these are all. It is also false if more than 10,000 entries of the search index match
    the rarest word.
    """
    return UserPageResponse.of(await accounts.page(wanted, sort, number=page, size=size, after=after))


@router.get(
    "/export",
    summary="Export accounts as CSV",
    response_class=Response,
    dependencies=[CanReadUsers],
    responses=CSV | problems(PermissionRequired, UnknownRole),
)
async def export_users(
    accounts: AccountReaderDep, wanted: FilterDep, by: CallerDep, sort: SortQuery = Sort.ID
) -> Response:
    """Every account that matches, for a spreadsheet: UTF-8 with a byte order mark, separated by commas, every cell
    quoted. Cells that a spreadsheet would read as a formula begin with an apostrophe. The export is recorded in the
    audit log. To move accounts to another system, use `gatepost export`.
    """
    pages = await accounts.export(wanted, sort, by=by)
    return await in_pieces(csv_of(pages), media_type="text/csv; charset=utf-8; header=present", headers=AS_FILE)


@router.post(
    "",
    summary="Create an account",
    status_code=status.HTTP_201_CREATED,
    dependencies=[CanWriteUsers, FreshProof],
    responses=problems(
        StepUpRequired,
        PermissionRequired,
        UsernameTaken,
        EmailTaken,
        UnknownRole,
        BeyondAuthority,
        RolesTooLong,
        PasswordNotAllowed,
        UsernameInvalid,
        HashingBusy,
    ),
)
async def create_user(
    body: NewUserRequest, response: Response, accounts: AccountEditorDep, reader: AccountReaderDep, by: CallerDep
) -> UserResponse:
    """Without a password, the owner gets a mail with a link to choose one."""
    user = await accounts.create(body.draft(), by=by)
    response.headers["Location"] = f"{router.prefix}/{user.id}"
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(await reader.of(user))


@router.get(
    "/{user_id}",
    summary="Get an account",
    dependencies=[CanReadUsers],
    responses=problems(PermissionRequired, UserNotFound),
)
async def get_user(user_id: PathId, response: Response, accounts: AccountReaderDep) -> UserResponse:
    """Send its ETag as If-Match when you change the account."""
    account = await accounts.get(user_id)
    response.headers["ETag"] = tag_of_user(account.user)
    return UserResponse.of(account)


@router.patch(
    "/{user_id}",
    summary="Change an account",
    dependencies=[CanWriteUsers, FreshProof],
    responses=problems(
        StepUpRequired, *OF_ACTS, OwnAccount, UsernameTaken, UsernameInvalid, EmailTaken, LastAdministrator
    ),
)
async def change_user(
    user_id: PathId,
    body: UserChangeRequest,
    response: Response,
    accounts: AccountEditorDep,
    reader: AccountReaderDep,
    if_match: IfMatchDep,
    by: CallerDep,
) -> UserResponse:
    """Fields that are left out stay as they are. A new user name makes access tokens stale. A new address must be
    verified.

    For your own account use `PATCH /api/users/me` and `POST /api/auth/email/change`.
    """
    user = await accounts.change(user_id, body.change(), if_match=replace(if_match, version=body.version), by=by)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(await reader.of(user))


@router.delete(
    "/{user_id}",
    summary="Delete an account",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanWriteUsers, FreshProof],
    responses=problems(StepUpRequired, *OF_ACTS, OwnAccount, LastAdministrator),
)
async def delete_user(user_id: PathId, lifecycle: AccountLifecycleDep, if_match: IfMatchDep, by: CallerDep) -> None:
    """Deletes the account immediately and permanently. The audit log keeps its id. For your own account use `DELETE
    /api/users/me`."""
    await lifecycle.delete(user_id, if_match=if_match, by=by)


@router.put(
    "/{user_id}/roles",
    summary="Set the roles of an account",
    dependencies=[CanWriteUsers, FreshProof],
    responses=problems(StepUpRequired, *OF_ACTS, UnknownRole, RolesTooLong, LastAdministrator),
)
async def set_user_roles(
    user_id: PathId,
    body: UserRolesRequest,
    response: Response,
    lifecycle: AccountLifecycleDep,
    reader: AccountReaderDep,
    if_match: IfMatchDep,
    by: CallerDep,
) -> UserResponse:
    """Replaces all roles of the account. Its access tokens become stale; a refresh returns one with the new roles."""
    user = await lifecycle.set_roles(user_id, body.roles, if_match=replace(if_match, version=body.version), by=by)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(await reader.of(user))


@router.post(
    "/{user_id}/disable",
    summary="Disable an account",
    dependencies=[CanWriteUsers, FreshProof],
    responses=problems(StepUpRequired, *OF_ACTS, OwnAccount, LastAdministrator),
)
async def disable_user(
    user_id: PathId,
    response: Response,
    lifecycle: AccountLifecycleDep,
    reader: AccountReaderDep,
    if_match: IfMatchDep,
    by: CallerDep,
) -> UserResponse:
    """Nobody can sign in to the account, and its sessions end at once."""
    user = await lifecycle.disable(user_id, if_match=if_match, by=by)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(await reader.of(user))


@router.post(
    "/{user_id}/enable",
    summary="Enable an account",
    dependencies=[CanWriteUsers, FreshProof],
    responses=problems(StepUpRequired, *OF_ACTS),
)
async def enable_user(
    user_id: PathId,
    response: Response,
    lifecycle: AccountLifecycleDep,
    reader: AccountReaderDep,
    if_match: IfMatchDep,
    by: CallerDep,
) -> UserResponse:
    """The owner can sign in again. Sessions that have ended stay ended."""
    user = await lifecycle.enable(user_id, if_match=if_match, by=by)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(await reader.of(user))


@router.post(
    "/{user_id}/signout",
    summary="End every session of an account",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS, OwnAccount),
)
async def sign_out_user(user_id: PathId, lifecycle: AccountLifecycleDep, if_match: IfMatchDep, by: CallerDep) -> None:
    """Signs out every device at once."""
    await lifecycle.sign_out(user_id, if_match=if_match, by=by)


@router.post(
    "/{user_id}/password/reset",
    summary="Send a password reset link",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS, OwnAccount),
)
async def reset_user_password(
    user_id: PathId, lifecycle: AccountLifecycleDep, if_match: IfMatchDep, by: CallerDep
) -> None:
    """The current password stays valid until the link is used. No mail is sent while the account is disabled."""
    await lifecycle.send_password_link(user_id, if_match=if_match, by=by)


@router.get(
    "/{user_id}/sessions",
    summary="List the sessions of an account",
    response_model=list[SessionResponse],
    dependencies=[CanReadUsers],
    responses=problems(PermissionRequired, UserNotFound),
)
async def list_user_sessions(user_id: PathId, accounts: AccountReaderDep) -> Response:
    """The devices where the account is signed in, the most recently used first."""
    return await json_array(shown(await accounts.sessions(user_id), current=NO_SESSION))
