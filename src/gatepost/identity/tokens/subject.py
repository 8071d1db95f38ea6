"""What a session entitles to, as one value: all that its tokens are made of, and what refuses them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Session


class HeldRole(NamedTuple):
    """A role of the account: what it is called and what it allows."""

    name: str
    permissions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """A session with its account, as both are at one moment."""

    session_id: int
    generation: int
    rotated_at: datetime
    created_at: datetime
    expires_at: datetime
    access_expires_at: datetime
    amr: str
    ended_at: datetime | None
    user_id: int
    random_id: str | None
    username: str
    token_version: int
    disabled_at: datetime | None
    roles: tuple[HeldRole, ...]

    @classmethod
    def of(cls, user: User, session: Session) -> Self:
        """Return the grant of a session that was opened just now."""
        return cls(
            session_id=session.id,
            generation=session.generation,
            rotated_at=session.rotated_at,
            created_at=session.created_at,
            expires_at=session.expires_at,
            access_expires_at=session.access_expires_at,
            amr=session.amr,
            ended_at=session.ended_at,
            user_id=user.id,
            random_id=user.random_id,
            username=user.username,
            token_version=user.token_version,
            disabled_at=user.disabled_at,
            roles=tuple(HeldRole(role.name, role.permissions) for role in user.roles),
        )
