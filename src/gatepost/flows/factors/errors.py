"""What can go wrong with one's own second factors."""

from gatepost.core.errors import Conflict, Forbidden, NotFound


class WrongCode(Forbidden):
    """The code does not belong to the secret that was shown, or the secret was shown more than an hour ago."""

    code = "wrong_code"
    title = "Wrong code"
    message = "The code is wrong. Please try the next one."


class TrustedDeviceNotFound(NotFound):
    """The account has no such trusted device, or has none any more."""

    code = "trusted_device_not_found"
    title = "Trusted device not found"
    message = "There is no such trusted device."


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as it may."""

    code = "too_many_passkeys"
    title = "Too many passkeys"
    message = "This account has too many passkeys. Remove one first."


class PasskeyNotFound(NotFound):
    """The account has no such passkey."""

    code = "passkey_not_found"
    title = "Passkey not found"
    message = "This passkey does not exist."


class LastWayIn(Conflict):
    """Nobody could sign in to the account without it."""

    code = "last_way_in"
    title = "Last way in"
    message = "Without it you could not sign in any more. Set a password, add a passkey or link an account first."
