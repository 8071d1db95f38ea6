"""What a new password must be."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from gatepost.core.crypto.passwords import UnusablePasswordError, prepare
from gatepost.core.errors import FieldProblem
from gatepost.identity.accounts.errors import PasswordNotAllowed
from gatepost.identity.credentials.common_passwords import common_passwords

# A name of fewer characters is found in too many good passwords.
SHORTEST_NAME = 4
# What must be left of a password without the names in it, besides digits and signs.
FEWEST_OTHERS = 4
NO_LETTER = re.compile(r"[\W\d_]+")
OURS = "gatepost"


class PasswordRules:
    """The rules of this deployment; `refuses_common` refuses what attackers try first."""

    def __init__(self, *, shortest: int, refuses_common: bool = False) -> None:
        self._shortest = shortest
        self._refuses_common = refuses_common

    def check(self, password: str, *, names: Sequence[str], field: str = "password") -> None:
        """Let a password pass that can be one; `names` are the user name and the e-mail address of its account.

        Raises:
            PasswordNotAllowed: it is too short, holds characters that no password has, is common, or is much like one
                of the names; names `field`.
        """
        try:
            prepared = prepare(password)
        except UnusablePasswordError as error:
            raise _unusable(f"The password cannot be used: {error}.", field) from error
        if len(prepared) < self._shortest:
            raise _unusable(f"The password needs at least {self._shortest} characters.", field)
        if not self._refuses_common:
            return
        folded = _folded(prepared)
        if folded in common_passwords(self._shortest):
            raise _unusable("This password is one of the most common. Please choose another.", field)
        if _is_like(folded, names):
            raise _unusable("The password is too much like the user name or the e-mail address.", field)


def _is_like(folded: str, names: Sequence[str]) -> bool:
    """Whether a password has little besides names, digits and signs; from the other end too."""
    parts = sorted({part for name in (*names, OURS) for part in _parts(_folded(name))}, key=len, reverse=True)
    return any(_is_made_of(text, parts) for text in (folded, folded[::-1]))


def _is_made_of(text: str, parts: Sequence[str]) -> bool:
    rest = text
    for part in parts:
        rest = rest.replace(part, " ")
    return rest != text and len(NO_LETTER.sub("", rest)) < FEWEST_OTHERS


def _parts(name: str) -> Iterator[str]:
    """Yield a name, its words, and it without what joins them."""
    local = name.partition("@")[0]
    joined = (NO_LETTER.sub("", local), re.sub(r"[\W_]", "", local))
    for part in (name, local, *joined, *NO_LETTER.split(name)):
        if len(part) >= SHORTEST_NAME:
            yield part


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _unusable(message: str, field: str) -> PasswordNotAllowed:
    return PasswordNotAllowed(message, fields=[FieldProblem(field, PasswordNotAllowed.code, message)])
