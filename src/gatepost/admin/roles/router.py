"""Looking after the roles, over HTTP."""

from fastapi import APIRouter, Response, status

from gatepost.admin.accounts.deps import CallerDep, CanReadRoles, CanWriteRoles, IfMatchDep, RoleEditorDep, RoleId
from gatepost.admin.accounts.errors import (
    BeyondAuthority,
    BuiltInRole,
    RoleNameRetired,
    RoleNameTaken,
    RoleNotFound,
    VersionMismatch,
)
from gatepost.admin.accounts.preconditions import tag_of_role
from gatepost.admin.accounts.schemas import NewRoleRequest, RoleChangeRequest, RoleResponse
from gatepost.http.openapi import problems
from gatepost.identity.access.errors import PermissionRequired
from gatepost.identity.accounts.errors import RolesTooLong

router = APIRouter(prefix="/api/admin/roles", tags=["administration"])


@router.get("", summary="The roles", dependencies=[CanReadRoles], responses=problems(PermissionRequired))
async def list_roles(roles: RoleEditorDep) -> list[RoleResponse]:
    """By id; the built-in ones come first."""
    return [RoleResponse.of(role) for role in await roles.list()]


@router.post(
    "",
    summary="Make a role",
    status_code=status.HTTP_201_CREATED,
    dependencies=[CanWriteRoles],
    responses=problems(PermissionRequired, RoleNameTaken, RoleNameRetired, RolesTooLong, BeyondAuthority),
)
async def create_role(body: NewRoleRequest, response: Response, roles: RoleEditorDep, by: CallerDep) -> RoleResponse:
    """Its permissions are words of ours or of your own, such as `orders:refund`; access tokens carry them."""
    role = await roles.create(body.draft(), by=by)
    response.headers["Location"] = f"{router.prefix}/{role.id}"
    response.headers["ETag"] = tag_of_role(role)
    return RoleResponse.of(role)


@router.get(
    "/{role_id}",
    summary="A role",
    dependencies=[CanReadRoles],
    responses=problems(PermissionRequired, RoleNotFound),
)
async def get_role(role_id: RoleId, response: Response, roles: RoleEditorDep) -> RoleResponse:
    """Its ETag goes into If-Match of a change."""
    role = await roles.get(role_id)
    response.headers["ETag"] = tag_of_role(role)
    return RoleResponse.of(role)


@router.patch(
    "/{role_id}",
    summary="Change a role",
    dependencies=[CanWriteRoles],
    responses=problems(
        PermissionRequired,
        RoleNotFound,
        RoleNameTaken,
        RoleNameRetired,
        RolesTooLong,
        BuiltInRole,
        BeyondAuthority,
        VersionMismatch,
    ),
)
async def change_role(
    role_id: RoleId,
    body: RoleChangeRequest,
    response: Response,
    roles: RoleEditorDep,
    if_match: IfMatchDep,
    by: CallerDep,
) -> RoleResponse:
    """After another name or other permissions the access tokens of all who have the role are stale: of the first 500
    at once, of the others within seconds.
    """
    role = await roles.change(role_id, body.change(), if_match=if_match, by=by)
    response.headers["ETag"] = tag_of_role(role)
    return RoleResponse.of(role)


@router.delete(
    "/{role_id}",
    summary="Delete a role",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanWriteRoles],
    responses=problems(PermissionRequired, RoleNotFound, BuiltInRole, BeyondAuthority, VersionMismatch),
)
async def delete_role(role_id: RoleId, roles: RoleEditorDep, if_match: IfMatchDep, by: CallerDep) -> None:
    """It is taken from all who have it. With very many of them this takes a while, and can be asked again."""
    await roles.delete(role_id, if_match=if_match, by=by)
