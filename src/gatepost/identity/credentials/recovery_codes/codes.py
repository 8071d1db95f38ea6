"""What recovery codes look like, and what is kept of them."""

import hashlib
import hmac
import re
import secrets

from gatepost.core.crypto import base64url

COUNT = 10
BITS = 50
# Crockford's base32: without I, L, O and U, and whoever types them means 1, 1 and 0.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MEANT = str.maketrans("ILO", "110")
LENGTH = 10
CODE = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}", re.ASCII)
KEY_BYTES = 32


def new_code() -> str:
    """Return a new code, in two halves."""
    number = secrets.randbelow(1 << BITS)
    text = "".join(ALPHABET[number >> 5 * place & 31] for place in range(LENGTH))
    return f"{text[:5]}-{text[5:]}"


def new_key() -> bytes:
    """Return what the digests of a set are made with."""
    return secrets.token_bytes(KEY_BYTES)


def digest_of(key: bytes, typed: str) -> str | None:
    """Return what is kept of a code, however it is typed; None where it is none.

    A code has 50 bits, which a plain digest would not hide for long: whoever has the digests needs the key as well.
    """
    code = "".join(typed.split()).replace("-", "").upper().translate(MEANT)
    if not CODE.fullmatch(code):
        return None
    return base64url.encode(hmac.digest(key, code.encode("ascii"), hashlib.sha256))
