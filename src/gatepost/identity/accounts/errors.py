"""What can go wrong with an account."""

from gatepost.core.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound


class UsernameTaken(BadRequest):
    """Another account has this user name, or one that differs in case, width or accents' spelling alone."""

    code = "username_taken"
    title = "Username taken"
    message = "Failed! Username is already in use!"


class UsernameInvalid(Invalid):
    """The user name is an address, and not that of its account."""

    code = "username_invalid"
    title = "Invalid user name"
    message = "A user name has no @, unless it is the account's own e-mail address."


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


class RolesTooLong(Conflict):
    """The names of the roles of an account, and what they allow, are more than an access token carries."""

    code = "roles_too_long"
    title = "Roles too long"
    message = (
        "These roles and their permissions are too long for an access token together. "
        "Give fewer, or shorten their names and permissions."
    )


class PasswordNotAllowed(Invalid):
    """The password is too short, or holds characters that no password has."""

    code = "password_not_allowed"
    title = "Password not allowed"
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


class EmailUnverified(Forbidden):
    """The password is right, and the e-mail address has not been proved, which this deployment asks for."""

    code = "email_unverified"
    title = "E-mail unverified"
    message = "Please verify your e-mail address first. We have sent you a link."
    oauth = "invalid_grant"


class SignUpClosed(Forbidden):
    """Nobody signs up here."""

    code = "signup_closed"
    title = "Sign-up closed"
    message = "Sign-up is closed."


class InvitationRequired(Forbidden):
    """Who signs up here has been invited."""

    code = "invitation_required"
    title = "Invitation required"
    message = "Sign-up needs an invitation."


class InvitationInvalid(BadRequest):
    """The invitation is used, too old, taken back, or for another address, or its inviter may not give it any more."""

    code = "invitation_invalid"
    title = "Invalid invitation"
    message = "This invitation is no longer valid, or is for another e-mail address."


class LinkInvalid(BadRequest):
    """The token of the link is used, too old, replaced by a newer one, or for something else."""

    code = "link_invalid"
    title = "Invalid link"
    message = "This link is no longer valid. Please ask for a new one."


class AlreadyVerified(BadRequest):
    """The link is used, and what it was for is done: the account has its address, and has proved it."""

    code = "already_verified"
    title = "Already verified"
    message = "Your e-mail address is already verified."


class PasswordRequired(BadRequest):
    """The link ends a sign-up, and proves the address alone: the password shows that it is one's own sign-up."""

    code = "password_required"
    title = "Password required"
    message = "Please enter the password that you chose when you signed up."


class WrongSignUpPassword(Forbidden):
    """The password is not that of the sign-up whose link this is; somebody else may have signed up with the address."""

    code = "wrong_sign_up_password"
    title = "Wrong password of a sign-up"
    message = (
        "This is not the password of this sign-up. "
        "If you have signed up more than once, follow the link of the other mail, or sign up again."
    )


class WrongPassword(Forbidden):
    """The current password, which the change asks for, is wrong."""

    code = "wrong_password"
    title = "Wrong password"
    message = "The current password is wrong."


class LastAdministrator(Conflict):
    """It is the last administrator who can sign in, and someone must look after the others."""

    code = "last_administrator"
    title = "Last administrator"
    message = "This is the last administrator. Make another one first."
