"""What can go wrong with passkeys besides a response that is not valid."""

from gatepost.core.errors import Forbidden


class PasskeysUnavailable(Forbidden):
    """Browsers would refuse passkeys at PUBLIC_URL, or with these settings; `gatepost doctor` says why."""

    code = "passkeys_unavailable"
    title = "Passkeys unavailable"
    message = "Passkeys are not available at this address."
