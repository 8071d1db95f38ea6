"""What can go wrong with passkeys besides a response that is not valid."""

from gatepost.core.errors import Forbidden


class PasskeysUnavailable(Forbidden):
    """Browsers would refuse passkeys at PUBLIC_URL, or with these settings; `gatepost doctor` says why."""

    code = "passkeys_unavailable"
    title = "Passkeys unavailable"
    message = "Passkeys are not available at this address."


class WrongPasskey(Forbidden):
    """What the browser has made is not valid, not for this account and session, too old, or used already."""

    code = "wrong_passkey"
    title = "Wrong passkey"
    message = "This passkey cannot be added. Please try again."
