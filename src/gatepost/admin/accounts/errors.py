"""What can go wrong while looking after others."""

from gatepost.core.errors import AppError, BadRequest, Conflict, Forbidden, NotFound


class VersionMismatch(AppError):
    """Somebody has changed it since it was read; read it again, then decide."""

    status = 412
    code = "version_mismatch"
    title = "Version mismatch"
    message = "This has been changed by somebody else. Read it again first."


class BeyondAuthority(Forbidden):
    """The act would give, take or touch more than the caller has themselves."""

    code = "beyond_authority"
    title = "Beyond your authority"
    message = "You cannot give, take or touch more than you have yourself."


class OwnAccount(Forbidden):
    """One's own account is changed, signed out and deleted by routes of its own, which ask for the password."""

    code = "own_account"
    title = "Own account"
    message = "This is your own account. Change it by your own routes."


class RoleNotFound(NotFound):
    """No role has this id."""

    code = "role_not_found"
    title = "Role not found"
    message = "There is no such role."


class RoleNameTaken(BadRequest):
    """Another role has this name."""

    code = "role_name_taken"
    title = "Role name taken"
    message = "There is a role with this name already."


class RoleNameRetired(Conflict):
    """Another role had this name, and access tokens of its holders may still be in use somewhere."""

    code = "role_name_retired"
    title = "Role name retired"
    message = "Another role had this name a short time ago, and access tokens with it may still be in use."


class BuiltInRole(Conflict):
    """`user`, `moderator` and `admin` keep their names and are never deleted, and `admin` may always do everything."""

    code = "built_in_role"
    title = "Built-in role"
    message = "This role belongs to every deployment and cannot be changed so."


class CursorInvalid(BadRequest):
    """The cursor is none of ours, or belongs to another order."""

    code = "cursor_invalid"
    title = "Invalid cursor"
    message = "This cursor does not fit. Start again without one."
