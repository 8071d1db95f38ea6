"""What can go wrong while signing in, by whatever method."""

from collections.abc import Sequence

from gatepost.core.errors import Unauthorized


class InvalidCredentials(Unauthorized):
    """No account has this name with this password; which of the two is wrong is not told."""

    code = "invalid_credentials"
    title = "Invalid credentials"
    message = "Invalid username or password!"
    oauth = "invalid_grant"


class SecondFactorRequired(Unauthorized):
    """The proof is right, and the account needs a second factor.

    `pendingToken` continues the sign-in at `POST /api/auth/signin/continue`, with one of `methods`, within `expiresIn`
    seconds, and does nothing else. An account that must have a factor and has none can first set up one of
    `enrolMethods`, at `POST /api/auth/signin/totp` or `…/signin/passkey`.
    """

    code = "second_factor_required"
    title = "Second factor required"
    message = "This account needs a second factor to sign in."
    oauth = "mfa_required"

    def __init__(
        self, pending_token: str, methods: Sequence[str], *, enrol_methods: Sequence[str] = (), expires_in: int
    ) -> None:
        super().__init__()
        self.members = {"pendingToken": pending_token, "methods": list(methods), "expiresIn": expires_in}
        if enrol_methods:
            self.members["enrolMethods"] = list(enrol_methods)
        self.oauth_members = {"mfa_token": pending_token}


class PendingSignInInvalid(Unauthorized):
    """The token is not one of a pending sign-in: it was used, has expired, or the account has changed since."""

    code = "pending_sign_in_invalid"
    title = "Pending sign-in invalid"
    message = "This sign-in has expired. Please sign in again."


class PasskeyInvalid(Unauthorized):
    """The response was not made with a passkey of an account here, or its challenge is no longer valid.

    The answer is the same whatever was wrong, except for `unknownCredential`: true if no account has the passkey and
    nothing else seems wrong. The browser can then forget it (`PublicKeyCredential.signalUnknownCredential()`).
    """

    code = "passkey_invalid"
    title = "Passkey invalid"
    message = "This passkey cannot be used to sign in here. Please try again."

    def __init__(self, *, is_unknown: bool = False) -> None:
        super().__init__()
        if is_unknown:
            self.members = {"unknownCredential": True}


class InvalidCode(Unauthorized):
    """The code is wrong, was used before, or belongs to a method that the account does not have."""

    code = "invalid_code"
    title = "Invalid code"
    message = "The code is wrong, or was used already."
