"""What can go wrong with signing keys; these reach an operator, not a caller."""


class SigningKeyError(Exception):
    """A key cannot be used, rotated or retired; the message says why and what to do."""
