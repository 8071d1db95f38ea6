"""Encrypts stored private keys; decrypts them with the current or the previous SECRET_KEY."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gatepost.core.crypto.secrets import SecretKeys
from gatepost.identity.keys.errors import SigningKeyError


class KeyVault:
    """Encrypts and decrypts private keys (Fernet with a derived key)."""

    def __init__(self, secrets: SecretKeys) -> None:
        ciphers = [Fernet(base64.urlsafe_b64encode(key)) for key in secrets.derive("signing key encryption")]
        self._newest = ciphers[0]
        self._all = MultiFernet(ciphers)

    def close(self, pem: bytes) -> str:
        """Return the encrypted key."""
        return self._newest.encrypt(pem).decode("ascii")

    def open(self, encrypted: str) -> bytes:
        """Return the key.

        Raises:
            SigningKeyError: it was encrypted with another SECRET_KEY.
        """
        try:
            return self._all.decrypt(encrypted)
        except (InvalidToken, ValueError, TypeError) as error:  # also text that is not ASCII, or not text
            raise SigningKeyError(
                "SECRET_KEY does not open the signing keys in the database. Put back the SECRET_KEY that they were "
                "made with, or set it as SECRET_KEY_PREVIOUS"
            ) from error

    def renew(self, encrypted: str) -> str | None:
        """Return the key encrypted with the current SECRET_KEY; None if it already is.

        Raises:
            SigningKeyError: it was encrypted with an unknown SECRET_KEY.
        """
        try:
            self._newest.decrypt(encrypted)
        except (InvalidToken, ValueError, TypeError):
            return self.close(self.open(encrypted))
        return None
