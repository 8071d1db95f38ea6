"""The subject of tokens: everything about a session and its account that goes into tokens, or makes them refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class HeldRole(NamedTuple):
    """A role of the account: its name and its permissions."""

    name: str
    permissions: Sequence[str]


@dataclass(frozen=True, slots=True)
class TokenSubject:
    """A session with its account, both at the same moment.

    `has_second_factor` is only read when it matters: at a refresh, but not for a session that was just opened.
    """

    session_id: int
    generation: int
    rotated_at: datetime
    created_at: datetime
    expires_at: datetime
    access_expires_at: datetime
    amr: str
    acr: str
    authenticated_at: datetime
    client_id: str | None
    scope: str | None
    ended_at: datetime | None
    user_id: int
    random_id: str | None
    username: str
    token_version: int
    disabled_at: datetime | None
    email_verified_at: datetime | None
    roles: tuple[HeldRole, ...]
    has_second_factor: bool | None = None
    is_on_trusted_device: bool = False


# Raises an error if a session must not continue; the same decision as for all sign-in methods.
Decide = Callable[[TokenSubject], None]
