"""The size of an account's roles and permissions: access tokens contain them, and must fit into a cookie."""

import json
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from gatepost.identity.accounts.errors import RolesTooLong
from gatepost.identity.accounts.models import allowed_by

# With everything else in a token this stays within `tokens.access_tokens.LONGEST`. Only with a name of more than thirty
# characters beyond the Basic Multilingual Plane (12 bytes each), an RS256 token may leave some roles out.
MOST_BYTES = 1536


class Named(Protocol):
    """A role as it appears in a token."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def permissions(self) -> Sequence[str]:
        """Its permissions."""


AnyRole = TypeVar("AnyRole", bound=Named)


def size_of(roles: Iterable[Named]) -> int:
    """Return how many bytes the names of roles and their permissions take in an access token."""
    held = list(roles)
    words = [[role.name for role in held], allowed_by(role.permissions for role in held)]
    return len(json.dumps(words, separators=(",", ":")))


def require_fit(roles: Iterable[Named], *, before: Iterable[Named] = ()) -> None:
    """Check that roles fit into an access token, or are at least not larger than those of before.

    Raises:
        RolesTooLong: they do not fit.
    """
    if (size := size_of(roles)) > MOST_BYTES and size > size_of(before):
        raise RolesTooLong


def fitting(roles: Iterable[AnyRole], *, most_bytes: int = MOST_BYTES) -> list[AnyRole]:
    """Return the first roles that together fit into `most_bytes` of an access token, each completely or not at all."""
    kept: list[AnyRole] = []
    for role in roles:
        if size_of([*kept, role]) <= most_bytes:
            kept.append(role)
    return kept
