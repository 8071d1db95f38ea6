"""What a signed-in person may not do."""

from gatepost.core.errors import Forbidden


class RoleRequired(Forbidden):
    """The route is for another role."""

    code = "role_required"
    title = "Role required"
    message = "Require another Role!"
