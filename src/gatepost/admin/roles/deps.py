"""Dependencies of the role administration routes."""

from typing import Annotated

from fastapi import Depends, Path

from gatepost.admin.roles.service import RoleEditor
from gatepost.core.ids import LARGEST_ID
from gatepost.http.deps import provided
from gatepost.identity.access.deps import require_permission
from gatepost.identity.accounts.roles import Permission

RoleEditorDep = Annotated[RoleEditor, Depends(provided(RoleEditor))]

CanReadRoles = Depends(require_permission(Permission.USERS_READ, Permission.ROLES_WRITE))
CanWriteRoles = Depends(require_permission(Permission.ROLES_WRITE))

RoleId = Annotated[int, Path(ge=1, le=LARGEST_ID, examples=[4])]
