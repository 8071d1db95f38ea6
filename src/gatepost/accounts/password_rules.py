"""What a new password must be."""

from gatepost.accounts.errors import UnusablePassword
from gatepost.core.errors import FieldProblem
from gatepost.core.passwords import UnusablePasswordError, prepare


class PasswordRules:
    """The rules of this deployment."""

    def __init__(self, *, shortest: int) -> None:
        self._shortest = shortest

    def check(self, password: str, *, field: str = "password") -> None:
        """Let a password pass that can be one.

        Raises:
            UnusablePassword: it is too short, or holds characters that no password has; names `field`.
        """
        try:
            length = len(prepare(password))
        except UnusablePasswordError as error:
            raise _unusable(f"The password cannot be used: {error}.", field) from error
        if length < self._shortest:
            raise _unusable(f"The password needs at least {self._shortest} characters.", field)


def _unusable(message: str, field: str) -> UnusablePassword:
    return UnusablePassword(message, fields=[FieldProblem(field, UnusablePassword.code, message)])
