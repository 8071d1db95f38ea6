"""What can go wrong with an account."""

from gatepost.core.errors import BadRequest, Forbidden, Invalid, NotFound


class UsernameTaken(BadRequest):
    """Another account has this user name, or one that differs in case, width or accents' spelling alone."""

    code = "username_taken"
    title = "Username taken"
    message = "Failed! Username is already in use!"


class EmailTaken(BadRequest):
    """Another account has this e-mail address."""

    code = "email_taken"
    title = "E-mail taken"
    message = "Failed! Email is already in use!"


class UnknownRole(BadRequest):
    """No role has this name."""

    code = "unknown_role"
    title = "Unknown role"
    message = "Failed! Role does not exist!"


class RoleNotGrantable(Forbidden):
    """Nobody gives themselves a role; administrators do."""

    code = "role_not_grantable"
    title = "Role not grantable"
    message = "Only an administrator can give this role."


class UnusablePassword(Invalid):
    """The password is too short, or holds characters that no password has."""

    code = "password_unusable"
    title = "Password unusable"
    message = "This password cannot be used."


class AccountDisabled(Forbidden):
    """The password is right, and an administrator has disabled the account."""

    code = "account_disabled"
    title = "Account disabled"
    message = "This account is disabled."
    oauth = "invalid_grant"


class UserNotFound(NotFound):
    """No account has this id."""

    code = "user_not_found"
    title = "User not found"
    message = "There is no such user."
