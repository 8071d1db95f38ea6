"""Private keys at rest: encrypted, and opened with the SECRET_KEY of today or the one before."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gatepost.core.crypto.secrets import SecretKeys
from gatepost.identity.keys.errors import SigningKeyError


class KeyVault:
    """Encrypts and opens private keys (Fernet under a derived key)."""

    def __init__(self, secrets: SecretKeys) -> None:
        ciphers = [Fernet(base64.urlsafe_b64encode(key)) for key in secrets.derive("signing key encryption")]
        self._newest = ciphers[0]
        self._all = MultiFernet(ciphers)

    def close(self, pem: bytes) -> str:
        """Return the key encrypted."""
        return self._newest.encrypt(pem).decode("ascii")

    def open(self, encrypted: str) -> bytes:
        """Return the key.

        Raises:
            SigningKeyError: it was encrypted under another SECRET_KEY.
        """
        try:
            return self._all.decrypt(encrypted)
        except (InvalidToken, ValueError, TypeError) as error:  # text that is not ASCII, or no text at all
            raise SigningKeyError(
                "SECRET_KEY does not open the signing keys in the database. Put back the SECRET_KEY that they were "
                "made with, or set it as SECRET_KEY_PREVIOUS"
            ) from error

    def renew(self, encrypted: str) -> str | None:
        """Return the key encrypted under today's SECRET_KEY; None where it already is."""
        try:
            self._newest.decrypt(encrypted)
        except (InvalidToken, ValueError, TypeError):
            return self.close(self.open(encrypted))
        return None
