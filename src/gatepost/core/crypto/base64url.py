"""Base64url without padding, as in tokens (RFC 7515, appendix C)."""

import base64
import re

ALPHABET = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def encode(data: bytes) -> str:
    """Return bytes as text."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes; every byte string has exactly one accepted form.

    Raises:
        ValueError: the text is empty, contains other characters, or is not canonical.
    """
    if not ALPHABET.fullmatch(text):
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
