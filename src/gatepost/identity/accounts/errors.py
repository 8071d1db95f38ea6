"""Errors of accounts."""

from collections.abc import Sequence

from gatepost.core.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound


class UsernameTaken(BadRequest):
    """Another account has this user name, or one that differs only in letter case, width or the encoding of accents."""

    code = "username_taken"
    title = "Username taken"
    message = "Failed! Username is already in use!"


class UsernameInvalid(Invalid):
    """The user name looks like an e-mail address, but is not the account's own address."""

    code = "username_invalid"
    title = "Invalid user name"
    message = "A user name cannot contain @, unless it is the account's own e-mail address."


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
    """Only an administrator can grant this role."""

    code = "role_not_grantable"
    title = "Role not grantable"
    message = "Only an administrator can grant this role."


class RolesTooLong(Conflict):
    """The account's role names and permissions do not fit into an access token."""

    code = "roles_too_long"
    title = "Roles too long"
    message = (
        "These roles and their permissions are together too long for an access token. "
        "Use fewer roles, or shorten their names and permissions."
    )


class PasswordNotAllowed(Invalid):
    """The password is too short, or contains characters that are not allowed."""

    code = "password_not_allowed"
    title = "Password not allowed"
    message = "This password cannot be used."


class AccountDisabled(Forbidden):
    """The password is correct, but an administrator has disabled the account."""

    code = "account_disabled"
    title = "Account disabled"
    message = "This account is disabled."
    oauth = "invalid_grant"


class UserNotFound(NotFound):
    """No account has this id."""

    code = "user_not_found"
    title = "User not found"
    message = "This user does not exist."


class EmailUnverified(Forbidden):
    """The password is correct, but the e-mail address is not verified, and this deployment requires that."""

    code = "email_unverified"
    title = "E-mail unverified"
    message = "Please verify your e-mail address first. We have sent you a link."
    oauth = "invalid_grant"


class EmailSignInOff(NotFound):
    """The deployment sends no codes and links that sign people in (EMAIL_SIGN_IN)."""

    code = "email_sign_in_off"
    title = "Sign-in by e-mail off"
    message = "You cannot sign in by a code here."


class SignUpClosed(Forbidden):
    """This deployment does not allow sign-ups."""

    code = "signup_closed"
    title = "Sign-up closed"
    message = "Sign-up is closed."


class InvitationRequired(Forbidden):
    """Signing up requires an invitation."""

    code = "invitation_required"
    title = "Invitation required"
    message = "Signing up requires an invitation."


class InvitationInvalid(BadRequest):
    """The invitation was used, has expired, was revoked or is for another address, or its inviter has lost the right to
    it.
    """

    code = "invitation_invalid"
    title = "Invalid invitation"
    message = "This invitation is no longer valid, or is for another e-mail address."


class LinkInvalid(BadRequest):
    """The link's token was used, has expired, was replaced by a newer one, or is for another purpose."""

    code = "link_invalid"
    title = "Invalid link"
    message = "This link is no longer valid. Please request a new one."


class AlreadyVerified(BadRequest):
    """The link was used before, and the account's e-mail address is verified."""

    code = "already_verified"
    title = "Already verified"
    message = "Your e-mail address is already verified."


class ProofRequired(BadRequest):
    """The link only shows that somebody can read the mailbox. It needs a proof that the account is theirs, too.

    That is one of `methods`, or the session of somebody who is signed in to the account; without methods it is the
    session. The link stays valid.
    """

    code = "proof_required"
    title = "Proof required"
    message = "Please confirm that this account is yours: sign in first, or enter the password of the account."

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__()
        self.members = {"methods": list(methods)}


class WrongSignUpPassword(Forbidden):
    """The password does not match the account or the sign-up of this link, which may be somebody else's."""

    code = "wrong_sign_up_password"
    title = "Wrong sign-up password"
    message = (
        "This password does not belong to this sign-up. "
        "If you signed up more than once, use the link in the other mail, or sign up again."
    )


class WrongPassword(Forbidden):
    """The current password, which this change requires, is wrong."""

    code = "wrong_password"
    title = "Wrong password"
    message = "The current password is wrong."


class LastAdministrator(Conflict):
    """This is the last administrator who can sign in, and every deployment needs one."""

    code = "last_administrator"
    title = "Last administrator"
    message = "This is the last administrator. Create another administrator first."
