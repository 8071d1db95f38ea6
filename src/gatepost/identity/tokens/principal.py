"""Who a request is from, as the access token says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from gatepost.core.ids import ID_TEXT, LARGEST_ID
from gatepost.identity.accounts.reference import AccountRef
from gatepost.identity.accounts.roles import ALL_PERMISSIONS

# RFC 9068, section 2.1.
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105  a type, not a token
ID = re.compile(ID_TEXT, re.ASCII)
RANDOM_TEXT = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person: `token_version` and `session_id` tie the access token to what may be revoked.

    `random_id` tells the account from one that had its number before a restore; accounts of early versions have none.
    """

    user_id: int
    random_id: str | None
    username: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    session_id: int
    token_version: int
    authenticated_at: datetime
    issued_at: datetime
    expires_at: datetime

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Self:
        """Read the claims of an access token that has been verified.

        Raises:
            ValueError: a claim that every access token of ours has is missing, or of another type.
        """
        try:
            return cls(
                user_id=_id(claims, "sub"),
                random_id=_random_text(claims, "rid"),
                username=_typed(claims, "username", str),
                roles=_names(claims, "roles"),
                permissions=_names(claims, "permissions"),
                session_id=_id(claims, "sid"),
                token_version=_typed(claims, "ver", int),
                authenticated_at=datetime.fromtimestamp(_typed(claims, "auth_time", int), UTC),
                issued_at=datetime.fromtimestamp(_typed(claims, "iat", int), UTC),
                expires_at=datetime.fromtimestamp(_typed(claims, "exp", int), UTC),
            )
        except (KeyError, TypeError, OverflowError, OSError) as error:
            raise ValueError("not the claims of an access token") from error

    @property
    def account(self) -> AccountRef:
        """The account that the token speaks of."""
        return AccountRef(self.user_id, self.random_id)

    def has_role(self, role: str) -> bool:
        """Whether the account had the role when the token was issued."""
        return role in self.roles

    def has_permission(self, permission: str) -> bool:
        """Whether one of the account's roles allowed this when the token was issued."""
        return ALL_PERMISSIONS in self.permissions or permission in self.permissions


def _typed(claims: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = claims[name]
    if type(value) is not kind:
        raise TypeError(name)
    return value


def _id(claims: Mapping[str, Any], name: str) -> int:
    text = _typed(claims, name, str)
    if not ID.fullmatch(text) or int(text) > LARGEST_ID:
        raise ValueError(f"{name} is not an id")
    return int(text)


def _random_text(claims: Mapping[str, Any], name: str) -> str | None:
    text = claims.get(name)
    if text is not None and (type(text) is not str or not RANDOM_TEXT.fullmatch(text)):
        raise ValueError(f"{name} is none of ours")
    return text


def _names(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    names = _typed(claims, name, list)
    if not all(type(item) is str for item in names):
        raise TypeError(name)
    return tuple(names)
