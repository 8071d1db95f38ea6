"""The routes of role administration."""

from fastapi import APIRouter, Response, status

from gatepost.admin.accounts.deps import CallerDep, IfMatchDep
from gatepost.admin.accounts.errors import (
    BeyondAuthority,
    BuiltInRole,
    RoleNameRetired,
    RoleNameTaken,
    RoleNotFound,
    VersionMismatch,
)
from gatepost.admin.accounts.preconditions import tag_of_role
from gatepost.admin.roles.deps import CanReadRoles, CanWriteRoles, RoleEditorDep, RoleId
from gatepost.admin.roles.schemas import NewRoleRequest, RoleChangeRequest, RoleResponse
from gatepost.http.openapi import problems
from gatepost.identity.access.errors import PermissionRequired
from gatepost.identity.accounts.errors import RolesTooLong
from gatepost.identity.credentials.deps import FreshProof
from gatepost.identity.tokens.step_up import StepUpRequired

router = APIRouter(prefix="/api/admin/roles", tags=["administration"])


@router.get("", summary="List roles", dependencies=[CanReadRoles], responses=problems(PermissionRequired))
async def list_roles(roles: RoleEditorDep) -> list[RoleResponse]:
    """Ordered by id; the built-in roles come first."""
    return [RoleResponse.of(role) for role in await roles.list()]


@router.post(
    "",
    summary="Create a role",
    status_code=status.HTTP_201_CREATED,
    dependencies=[CanWriteRoles, FreshProof],
    responses=problems(
        StepUpRequired, PermissionRequired, RoleNameTaken, RoleNameRetired, RolesTooLong, BeyondAuthority
    ),
)
async def create_role(body: NewRoleRequest, response: Response, roles: RoleEditorDep, by: CallerDep) -> RoleResponse:
    """Its permissions are built-in ones, or your own such as `orders:refund`. Access tokens contain them."""
    role = await roles.create(body.draft(), by=by)
    response.headers["Location"] = f"{router.prefix}/{role.id}"
    response.headers["ETag"] = tag_of_role(role)
    return RoleResponse.of(role)


@router.get(
    "/{role_id}",
    summary="Get a role",
    dependencies=[CanReadRoles],
    responses=problems(PermissionRequired, RoleNotFound),
)
async def get_role(role_id: RoleId, response: Response, roles: RoleEditorDep) -> RoleResponse:
    """Send its ETag as If-Match when you change the role."""
    role = await roles.get(role_id)
    response.headers["ETag"] = tag_of_role(role)
    return RoleResponse.of(role)


@router.patch(
    "/{role_id}",
    summary="Change a role",
    dependencies=[CanWriteRoles, FreshProof],
    responses=problems(
        StepUpRequired,
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
    """A new name or new permissions make the access tokens of everybody with the role stale: the first 500 at once, the
    others within seconds.
    """
    role = await roles.change(role_id, body.change(), if_match=if_match, by=by)
    response.headers["ETag"] = tag_of_role(role)
    return RoleResponse.of(role)


@router.delete(
    "/{role_id}",
    summary="Delete a role",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanWriteRoles, FreshProof],
    responses=problems(StepUpRequired, PermissionRequired, RoleNotFound, BuiltInRole, BeyondAuthority, VersionMismatch),
)
async def delete_role(role_id: RoleId, roles: RoleEditorDep, if_match: IfMatchDep, by: CallerDep) -> None:
    """Removes the role from every account. With very many accounts this takes a while; the request can be repeated."""
    await roles.delete(role_id, if_match=if_match, by=by)
