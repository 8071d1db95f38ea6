"""How much the roles of an account may say: access tokens carry it, and must fit into a cookie."""

import json
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from gatepost.identity.accounts.errors import RolesTooLong
from gatepost.identity.accounts.models import allowed_by

# With everything else that a token says this stays within `sessions.access_tokens.LONGEST`, but for a name of more than
# thirty letters beyond the Basic Multilingual Plane (12 bytes each), beside which an RS256 token may leave some out.
MOST_BYTES = 1536


class Named(Protocol):
    """A role as a token tells it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def permissions(self) -> Sequence[str]:
        """What it allows."""


AnyRole = TypeVar("AnyRole", bound=Named)


def size_of(roles: Iterable[Named]) -> int:
    """Return how many bytes the names of roles, and what they allow together, take in an access token."""
    held = list(roles)
    words = [[role.name for role in held], allowed_by(role.permissions for role in held)]
    return len(json.dumps(words, separators=(",", ":")))


def require_fit(roles: Iterable[Named], *, before: Iterable[Named] = ()) -> None:
    """Let an account have roles that fit into its access tokens, or that take less than those of before.

    Raises:
        RolesTooLong: they do not.
    """
    if (size := size_of(roles)) > MOST_BYTES and size > size_of(before):
        raise RolesTooLong


def fitting(roles: Iterable[AnyRole], *, most_bytes: int = MOST_BYTES) -> list[AnyRole]:
    """Return the first roles that fit into so many bytes of an access token together, each whole or not at all."""
    kept: list[AnyRole] = []
    for role in roles:
        if size_of([*kept, role]) <= most_bytes:
            kept.append(role)
    return kept
