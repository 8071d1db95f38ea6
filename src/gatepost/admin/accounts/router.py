"""Looking after accounts, over HTTP."""

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
    UserId,
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
from gatepost.identity.sessions.schemas import SessionResponse, shown

router = APIRouter(prefix="/api/admin/users", tags=["administration"])

OF_ACTS = (PermissionRequired, UserNotFound, BeyondAuthority, VersionMismatch)
NO_SESSION = 0
AS_FILE = {"Content-Disposition": 'attachment; filename="people.csv"', "Cache-Control": "no-store"}
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": line(COLUMNS[:3])}}}
}


@router.get(
    "",
    summary="Accounts, a page at a time",
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
    """By number (`page`), or by the `next` of the page before (`after`), which is as fast on the last page as on the
    first. Without a filter `total` is exact; with one it counts up to 10,000 and `totalIsExact` says whether that is
    all, as it does where more than 10,000 words fit the rarest word of a search.
    """
    return UserPageResponse.of(await accounts.page(wanted, sort, number=page, size=size, after=after))


@router.get(
    "/export",
    summary="Accounts as CSV",
    response_class=Response,
    dependencies=[CanReadUsers],
    responses=CSV | problems(PermissionRequired, UnknownRole),
)
async def export_users(
    accounts: AccountReaderDep, wanted: FilterDep, by: CallerDep, sort: SortQuery = Sort.ID
) -> Response:
    """All that fit, for a spreadsheet: UTF-8 with a byte order mark, commas, every cell quoted. An apostrophe stands
    before what a spreadsheet would take for a formula. The audit log tells who took it. To move accounts, there is
    `gatepost export`.
    """
    pages = await accounts.export(wanted, sort, by=by)
    return await in_pieces(csv_of(pages), media_type="text/csv; charset=utf-8; header=present", headers=AS_FILE)


@router.post(
    "",
    summary="Make an account",
    status_code=status.HTTP_201_CREATED,
    dependencies=[CanWriteUsers],
    responses=problems(
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
    body: NewUserRequest, response: Response, accounts: AccountEditorDep, by: CallerDep
) -> UserResponse:
    """Without a password, a mail with a link lets the owner choose one."""
    user = await accounts.create(body.draft(), by=by)
    response.headers["Location"] = f"{router.prefix}/{user.id}"
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(user)


@router.get(
    "/{user_id}",
    summary="An account",
    dependencies=[CanReadUsers],
    responses=problems(PermissionRequired, UserNotFound),
)
async def get_user(user_id: UserId, response: Response, accounts: AccountReaderDep) -> UserResponse:
    """Its ETag goes into If-Match of a change."""
    user = await accounts.get(user_id)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(user)


@router.patch(
    "/{user_id}",
    summary="Change an account",
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS, OwnAccount, UsernameTaken, UsernameInvalid, EmailTaken, LastAdministrator),
)
async def change_user(
    user_id: UserId,
    body: UserChangeRequest,
    response: Response,
    accounts: AccountEditorDep,
    if_match: IfMatchDep,
    by: CallerDep,
) -> UserResponse:
    """What is left out stays. After a new user name, access tokens are stale; a new address is to be proved.

    Another account than one's own, which `PATCH /api/users/me` and `POST /api/auth/email/change` are for.
    """
    user = await accounts.change(user_id, body.change(), if_match=replace(if_match, version=body.version), by=by)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(user)


@router.delete(
    "/{user_id}",
    summary="Delete an account",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS, OwnAccount, LastAdministrator),
)
async def delete_user(user_id: UserId, lifecycle: AccountLifecycleDep, if_match: IfMatchDep, by: CallerDep) -> None:
    """At once and for good; the audit log keeps the id. Another account than one's own: `DELETE /api/users/me`."""
    await lifecycle.delete(user_id, if_match=if_match, by=by)


@router.put(
    "/{user_id}/roles",
    summary="Give an account its roles",
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS, UnknownRole, RolesTooLong, LastAdministrator),
)
async def set_user_roles(
    user_id: UserId,
    body: UserRolesRequest,
    response: Response,
    lifecycle: AccountLifecycleDep,
    if_match: IfMatchDep,
    by: CallerDep,
) -> UserResponse:
    """Exactly these. Access tokens of before are stale; a refresh gives one with the new roles."""
    user = await lifecycle.set_roles(user_id, body.roles, if_match=replace(if_match, version=body.version), by=by)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(user)


@router.post(
    "/{user_id}/disable",
    summary="Keep an account from being signed in to",
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS, OwnAccount, LastAdministrator),
)
async def disable_user(
    user_id: UserId, response: Response, lifecycle: AccountLifecycleDep, if_match: IfMatchDep, by: CallerDep
) -> UserResponse:
    """Its sessions end at once."""
    user = await lifecycle.disable(user_id, if_match=if_match, by=by)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(user)


@router.post(
    "/{user_id}/enable",
    summary="Let an account be signed in to again",
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS),
)
async def enable_user(
    user_id: UserId, response: Response, lifecycle: AccountLifecycleDep, if_match: IfMatchDep, by: CallerDep
) -> UserResponse:
    """Sessions that have ended stay ended."""
    user = await lifecycle.enable(user_id, if_match=if_match, by=by)
    response.headers["ETag"] = tag_of_user(user)
    return UserResponse.of(user)


@router.post(
    "/{user_id}/signout",
    summary="End every session of an account",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS, OwnAccount),
)
async def sign_out_user(user_id: UserId, lifecycle: AccountLifecycleDep, if_match: IfMatchDep, by: CallerDep) -> None:
    """Every device is signed out at once."""
    await lifecycle.sign_out(user_id, if_match=if_match, by=by)


@router.post(
    "/{user_id}/password/reset",
    summary="Send an account a link for a new password",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[CanWriteUsers],
    responses=problems(*OF_ACTS, OwnAccount),
)
async def reset_user_password(
    user_id: UserId, lifecycle: AccountLifecycleDep, if_match: IfMatchDep, by: CallerDep
) -> None:
    """The password of now stays good until the link is used; nothing is sent while the account is disabled."""
    await lifecycle.send_password_link(user_id, if_match=if_match, by=by)


@router.get(
    "/{user_id}/sessions",
    summary="The devices that an account is signed in on",
    response_model=list[SessionResponse],
    dependencies=[CanReadUsers],
    responses=problems(PermissionRequired, UserNotFound),
)
async def list_user_sessions(user_id: UserId, accounts: AccountReaderDep) -> Response:
    """The last used first."""
    return await json_array(shown(await accounts.sessions(user_id), current=NO_SESSION))
