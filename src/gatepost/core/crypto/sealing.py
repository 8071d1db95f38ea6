"""Encrypts stored secrets that the service must read again: with a derived key, each bound to one owner."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gatepost.core.crypto import base64url
from gatepost.core.crypto.secrets import SecretKeys

# NIST SP 800-38D, section 8.2: random nonces, at most 2^32 per key.
NONCE_BYTES = 12
NAME_BYTES = 6


class SealError(Exception):
    """A sealed secret cannot be opened: it has another owner, was changed, or was sealed with another SECRET_KEY."""


class SecretBox:
    """Seals secrets for one purpose (AES-256-GCM), and opens them again for the same owner.

    A sealed secret starts with the name of its key, so that those of the previous SECRET_KEY can be found.
    """

    def __init__(self, keys: SecretKeys, purpose: str) -> None:
        self._ciphers = {_name(key): AESGCM(key) for key in keys.derive(purpose)}
        self._newest, *previous = self._ciphers
        self.previous = previous[0] if previous else None

    def seal(self, secret: bytes, *, owner: str) -> str:
        """Seal a secret for its owner; the result is text."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        closed = self._ciphers[self._newest].encrypt(nonce, secret, owner.encode())
        return f"{self._newest}.{base64url.encode(nonce + closed)}"

    def open(self, sealed: str, *, owner: str) -> bytes:
        """Return the secret.

        Raises:
            SealError: it is not sealed for this owner with one of our keys.
        """
        name, _, text = sealed.partition(".")
        try:
            data = base64url.decode(text)
            return self._ciphers[name].decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], owner.encode())
        except (KeyError, ValueError, InvalidTag) as error:
            raise SealError(
                "SECRET_KEY does not open a secret in the database. Put back the SECRET_KEY that it was sealed with, "
                "or set it as SECRET_KEY_PREVIOUS"
            ) from error

    def renew(self, sealed: str, *, owner: str) -> str:
        """Seal a secret again, with the current SECRET_KEY.

        Raises:
            SealError: it is not sealed for this owner with one of our keys.
        """
        return self.seal(self.open(sealed, owner=owner), owner=owner)


def _name(key: bytes) -> str:
    return base64url.encode(hmac.digest(key, b"name", hashlib.sha256)[:NAME_BYTES])
