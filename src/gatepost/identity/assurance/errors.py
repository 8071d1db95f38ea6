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
    """What was proved is right, and the account wants a second factor.

    `pendingToken` goes on with the sign-in at `POST /api/auth/signin/continue`, by one of `methods`, within `expiresIn`
    seconds; it is good for nothing else. An account that has no factor and has to have one can set up one of
    `enrolMethods` first, at `POST /api/auth/signin/totp`.
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
    """It is not the token of a sign-in that waits: it was used, is too old, or the account has changed since."""

    code = "pending_sign_in_invalid"
    title = "Pending sign-in invalid"
    message = "This sign-in has expired. Please sign in again."


class PasskeyInvalid(Unauthorized):
    """The response is not of a passkey of an account here, or not to a challenge that is good still.

    It is the same for whatever was wrong, but for `unknownCredential`: true if no account has the passkey and nothing
    else seems wrong. The browser can forget it then (`PublicKeyCredential.signalUnknownCredential()`).
    """

    code = "passkey_invalid"
    title = "Passkey invalid"
    message = "This passkey cannot be used to sign in here. Please try again."

    def __init__(self, *, is_unknown: bool = False) -> None:
        super().__init__()
        if is_unknown:
            self.members = {"unknownCredential": True}


class InvalidCode(Unauthorized):
    """The code is wrong, was used before, or is of a method that the account does not have."""

    code = "invalid_code"
    title = "Invalid code"
    message = "The code is wrong, or was used already."
