"""Errors of the administration."""

from gatepost.core.errors import AppError, BadRequest, Conflict, Forbidden, NotFound


class VersionMismatch(AppError):
    """The account or role has been changed since you read it. Read it again before you change it."""

    status = 412
    code = "version_mismatch"
    title = "Version mismatch"
    message = "Somebody else has changed this. Reload it and try again."


class BeyondAuthority(Forbidden):
    """The request would grant, remove or affect permissions that the caller does not have."""

    code = "beyond_authority"
    title = "Beyond your authority"
    message = "You cannot grant, remove or affect permissions that you do not have yourself."


class OwnAccount(Forbidden):
    """Administrators change, sign out and delete their own account with its own routes, which require the password."""

    code = "own_account"
    title = "Own account"
    message = "This is your own account. Change it on your account page, or with the routes for your own account."


class RoleNotFound(NotFound):
    """No role has this id."""

    code = "role_not_found"
    title = "Role not found"
    message = "This role does not exist."


class RoleNameTaken(BadRequest):
    """Another role has this name."""

    code = "role_name_taken"
    title = "Role name taken"
    message = "A role with this name already exists."


class RoleNameRetired(Conflict):
    """Another role had this name, and access tokens with it may still be valid."""

    code = "role_name_retired"
    title = "Role name retired"
    message = "Another role had this name recently, and access tokens with it may still be valid."


class BuiltInRole(Conflict):
    """`user`, `moderator` and `admin` cannot be renamed or deleted, and `admin` keeps all permissions."""

    code = "built_in_role"
    title = "Built-in role"
    message = "This is a built-in role. It cannot be changed in this way."


class CursorInvalid(BadRequest):
    """The cursor is invalid, or belongs to another sort order."""

    code = "cursor_invalid"
    title = "Invalid cursor"
    message = "This cursor is not valid here. Start again without one."
