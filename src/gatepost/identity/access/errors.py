"""What a signed-in person may not do."""

from gatepost.core.errors import Forbidden


class RoleRequired(Forbidden):
    """The route is for another role."""

    code = "role_required"
    title = "Role required"
    message = "Require another Role!"


class AmbiguousOriginalRequest(Forbidden):
    """The headers of the reverse proxy, or of whoever asks through it, tell of two requests, or of two people."""

    code = "ambiguous_original_request"
    title = "Ambiguous original request"
    message = "The headers name more than one original request, or more than one person."


class PermissionRequired(Forbidden):
    """The route needs a permission that none of the account's roles has."""

    code = "permission_required"
    title = "Permission required"
    message = "You are not allowed to do this."
