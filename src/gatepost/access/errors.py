"""What a signed-in person may not do."""

from gatepost.core.errors import Forbidden


class RoleRequired(Forbidden):
    """The route is for another role."""

    code = "role_required"
    title = "Role required"
    message = "Require another Role!"


class PermissionRequired(Forbidden):
    """The route needs a permission that none of the account's roles has."""

    code = "permission_required"
    title = "Permission required"
    message = "You are not allowed to do this."
