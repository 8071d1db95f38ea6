"""Errors of signing keys. They reach operators, not API clients."""


class SigningKeyError(Exception):
    """A key cannot be used, rotated or retired. The message says why and what to do."""
