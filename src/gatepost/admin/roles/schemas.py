"""JSON of role administration."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gatepost.admin.accounts.preconditions import tag_of_role
from gatepost.admin.accounts.schemas import RoleNameText, can_be_role_name
from gatepost.admin.roles.service import RoleChange, RoleDraft, is_built_in
from gatepost.http.schemas import In, Out
from gatepost.identity.accounts.models import Role
from gatepost.identity.accounts.roles import Permission

MOST_PERMISSIONS = 32
PERMISSION = r"^[a-z0-9_-]+(:[a-z0-9_-]+)*$"


def _is_unlabelled(name: str) -> str:
    if not can_be_role_name(name):
        raise PydanticCustomError("role_name_invalid", "A role name must not start with role_ or role-")
    return name


def _is_permission(name: str) -> str:
    if re.fullmatch(PERMISSION, name) is None:
        raise PydanticCustomError(
            "permission_invalid",
            "A permission must consist of a-z, 0-9, _ and -, with colons between the words, such as orders:read",
        )
    return name


# The pattern is for the OpenAPI document; the error message comes from the code.
PermissionText = Annotated[
    str, Field(max_length=64, json_schema_extra={"pattern": PERMISSION}), AfterValidator(_is_permission)
]
NewRoleName = Annotated[RoleNameText, AfterValidator(_is_unlabelled)]
Permissions = Annotated[list[PermissionText], Field(max_length=MOST_PERMISSIONS)]
Description = Annotated[str, Field(max_length=255)]


class RoleResponse(Out):
    """A role."""

    id: int = Field(examples=[4])
    name: str = Field(examples=["support"])
    description: str = Field(examples=["Answers customers."])
    permissions: list[str] = Field(description="`*` means all permissions.", examples=[["orders:refund", "users:read"]])
    etag: str = Field(description="Send this as If-Match when you change the role.", examples=['"5f3a9c0e5f3a9c0e"'])
    is_built_in: bool = Field(description="Built-in roles cannot be renamed or deleted.", examples=[False])

    @classmethod
    def of(cls, role: Role) -> Self:
        """Show a role."""
        return cls(
            id=role.id,
            name=role.name,
            description=role.description,
            permissions=list(role.permissions),
            etag=tag_of_role(role),
            is_built_in=is_built_in(role),
        )


class NewRoleRequest(In):
    """A new role."""

    name: NewRoleName = Field(examples=["support"])
    description: Description | None = Field(default=None, examples=["Answers customers."])
    permissions: Permissions | None = Field(
        default=None,
        description=f"Ours ({', '.join(f'`{word}`' for word in Permission)}), or your own.",
        examples=[["orders:refund", "users:read"]],
    )

    def draft(self) -> RoleDraft:
        """Return the draft, with each permission once."""
        return RoleDraft(self.name, self.description or "", tuple(sorted(set(self.permissions or ()))))


class RoleChangeRequest(In):
    """The fields to change. Fields that are left out stay as they are."""

    name: NewRoleName | None = Field(default=None, examples=["support"])
    description: Description | None = Field(default=None, examples=["Answers customers."])
    permissions: Permissions | None = Field(default=None, examples=[["users:read"]])

    def change(self) -> RoleChange:
        """Return the change, with each permission once."""
        permissions = None if self.permissions is None else tuple(sorted(set(self.permissions)))
        return RoleChange(self.name, self.description, permissions)
