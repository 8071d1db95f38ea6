"""Errors for users who are signed in but not allowed to do something."""

from gatepost.core.errors import Forbidden


class RoleRequired(Forbidden):
    """The route requires a role that the user does not have."""

    code = "role_required"
    title = "Role required"
    message = "Require another Role!"


class AmbiguousOriginalRequest(Forbidden):
    """The headers from the reverse proxy name two original requests, or two users."""

    code = "ambiguous_original_request"
    title = "Ambiguous original request"
    message = "The headers name more than one original request, or more than one user."


class PermissionRequired(Forbidden):
    """The route requires a permission that none of the account's roles has."""

    code = "permission_required"
    title = "Permission required"
    message = "You are not allowed to do this."
