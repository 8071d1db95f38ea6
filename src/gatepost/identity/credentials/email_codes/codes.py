"""What codes by mail look like, and what is kept of them."""

import hashlib
import hmac
import re
import secrets

from gatepost.core.crypto import base64url
from gatepost.core.crypto.secrets import SecretKeys

DIGITS = 6
CODE = re.compile(rf"[0-9]{{{DIGITS}}}", re.ASCII)


def new_code() -> str:
    """Return a new code: six random digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def typed_code(text: str) -> str:
    """Return a code as it was sent, however it is typed: spaces and hyphens do not matter."""
    return "".join(text.split()).replace("-", "")


class CodeMacs:
    """Makes and checks what is kept of codes: a MAC, since whoever has a plain digest of six digits has the code."""

    def __init__(self, keys: SecretKeys) -> None:
        self._keys = keys.derive("email code")

    def of(self, code: str, bound_to: str) -> str:
        """Return what is kept of a code that is good at one place alone."""
        return _mac(self._keys[0], code, bound_to)

    def fits(self, typed: str, kept: str, bound_to: str) -> bool:
        """Whether a code is the one of which this is kept, also under the SECRET_KEY before this one."""
        code = typed_code(typed)
        # With every key, so that the time tells nothing.
        fitting = [hmac.compare_digest(_mac(key, code, bound_to), kept) for key in self._keys]
        return CODE.fullmatch(code) is not None and any(fitting)


def _mac(key: bytes, code: str, bound_to: str) -> str:
    text = f"{code} {bound_to}".encode("utf-8", "surrogatepass")
    return base64url.encode(hmac.digest(key, text, hashlib.sha256))
