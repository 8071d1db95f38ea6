"""Device tokens: a device keeps one to show that its owner has signed in on it before (OWASP device cookies).

The form is `gpd_<nonce>.<account>-<account>.<mac>`. It contains the accounts that have signed in on the device, the
last one first, each as `<id>_<random id>`, or as `<id>` if the account has no random id. After the owner has reported a
session as not theirs, `~` and the time of that in milliseconds since 1970 follow; earlier tokens, which a stranger may
have, do not have it. A token signs nobody in; guesses with it are counted separately.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from gatepost.core.crypto import base64url
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.ids import ID_TEXT
from gatepost.identity.accounts.models import User

PREFIX = "gpd_"
MARK = "~"
ACCOUNT = rf"{ID_TEXT}(?:_[0-9a-f]{{16}})?(?:{MARK}[0-9]{{1,15}})?"
FORM = re.compile(rf"gpd_([A-Za-z0-9_-]{{22}})\.({ACCOUNT}(?:-{ACCOUNT}){{0,4}})\.([A-Za-z0-9_-]{{43}})", re.ASCII)
MOST_ACCOUNTS = 5
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Device:
    """What a request shows of its device: the accounts that signed in on it, and the session of its refresh token."""

    nonce: str = field(default="", repr=False)
    accounts: tuple[str, ...] = ()
    session_id: int | None = None

    def belongs_to(self, user: User) -> bool:
        """Whether the account has signed in on this device before."""
        return any(_is_of(account, user) for account in self.accounts)

    def is_known_to(self, user: User) -> bool:
        """Whether it has since the owner last reported a session as not theirs, if they ever did."""
        return _marked(user) in self.accounts


UNKNOWN_DEVICE = Device()


class DeviceTokens:
    """Writes and reads device tokens."""

    def __init__(self, keys: SecretKeys) -> None:
        self._keys = keys.derive("device token")

    def write(self, device: Device, user: User) -> str:
        """Return the token of a device on which this account has just signed in."""
        others = [account for account in device.accounts if not _is_of(account, user)]
        accounts = "-".join([_marked(user), *others][:MOST_ACCOUNTS])
        name = f"{device.nonce or secrets.token_urlsafe(NONCE_BYTES)}.{accounts}"
        return f"{PREFIX}{name}.{_mac(self._keys[0], name)}"

    def read(self, token: str) -> Device:
        """Return the device of a token; the unknown device if it is not one of our tokens."""
        form = FORM.fullmatch(token)
        if form is None:
            return UNKNOWN_DEVICE
        fits = [hmac.compare_digest(_mac(key, f"{form[1]}.{form[2]}"), form[3]) for key in self._keys]
        return Device(form[1], tuple(form[2].split("-"))) if any(fits) else UNKNOWN_DEVICE


def _account(user: User) -> str:
    return str(user.id) if user.random_id is None else f"{user.id}_{user.random_id}"


def _marked(user: User) -> str:
    if user.disowned_at is None:
        return _account(user)
    return f"{_account(user)}{MARK}{int(user.disowned_at.timestamp() * 1000)}"


def _is_of(account: str, user: User) -> bool:
    return account.partition(MARK)[0] == _account(user)


def _mac(key: bytes, name: str) -> str:
    return base64url.encode(hmac.digest(key, name.encode("ascii"), hashlib.sha256))
