"""What can go wrong with a sign-up by passkey."""

from gatepost.core.errors import Forbidden


class PasskeySignUpUnavailable(Forbidden):
    """The deployment has no second factors, or makes accounts only once their address is proved."""

    code = "passkey_sign_up_unavailable"
    title = "Sign-up with a passkey unavailable"
    message = "Please sign up with a password. You can add a passkey later."
