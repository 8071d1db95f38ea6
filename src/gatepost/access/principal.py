"""Who a request is from, as the access token says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RoleName(StrEnum):
    """The roles that every deployment has."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"


BUILT_IN_ROLES = tuple(RoleName)


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person: `token_version` and `session_id` tie the access token to what may be revoked."""

    user_id: int
    username: str
    roles: tuple[str, ...]
    session_id: int
    token_version: int
    authenticated_at: datetime
    expires_at: datetime

    def has_role(self, role: str) -> bool:
        """Whether the account had the role when the token was issued."""
        return role in self.roles
