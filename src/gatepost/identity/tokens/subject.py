"""What a session entitles to, as one value: all that its tokens are made of, and what refuses them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class HeldRole(NamedTuple):
    """A role of the account: what it is called and what it allows."""

    name: str
    permissions: Sequence[str]


@dataclass(frozen=True, slots=True)
class TokenSubject:
    """A session with its account, as both are at one moment.

    `has_second_factor` is looked up where that decides: at a refresh, and not for a session that was opened just now.
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


# Raises an error where a session may not go on: the decision of all ways in.
Decide = Callable[[TokenSubject], None]
