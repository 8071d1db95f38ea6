"""The principal of an access token: who makes a request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from gatepost.core.ids import ID_TEXT, LARGEST_ID
from gatepost.identity.accounts.reference import AccountRef
from gatepost.identity.accounts.roles import ALL_PERMISSIONS

# RFC 9068, section 2.1.
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105  a type, not a token
ID = re.compile(ID_TEXT, re.ASCII)
RANDOM_TEXT = re.compile(r"[0-9a-f]{16}", re.ASCII)


# RFC 9068 requires the client that a token was issued to; a sign-in here uses the service's own client.
OWN_CLIENT_ID = "gatepost"


class Acr(StrEnum):
    """The authentication levels, from the lowest: the `acr` of RFC 9068, section 2.2.1."""

    ONE_FACTOR = "urn:gatepost:acr:1"
    TWO_FACTORS = "urn:gatepost:acr:2"
    PHISHING_RESISTANT = "urn:gatepost:acr:phr"


@dataclass(frozen=True, slots=True)
class Principal:
    """What every access token contains. A `UserPrincipal` is a person, a `ClientPrincipal` a program.

    `client_id` is the client that the token was issued to, `scope` what it may be used for, and `session_id` the
    session whose end revokes it.
    """

    client_id: str
    scope: tuple[str, ...]
    session_id: int
    issued_at: datetime
    expires_at: datetime

    @staticmethod
    def from_claims(claims: Mapping[str, Any]) -> "UserPrincipal | ClientPrincipal":
        """Read the claims of a verified access token.

        Raises:
            ValueError: a required claim is missing or has another type.
        """
        try:
            common = {
                "client_id": _typed(claims, "client_id", str),
                "scope": tuple(_typed(claims, "scope", str).split()) if "scope" in claims else (),
                "session_id": _id(claims, "sid"),
                "issued_at": datetime.fromtimestamp(_typed(claims, "iat", int), UTC),
                "expires_at": datetime.fromtimestamp(_typed(claims, "exp", int), UTC),
            }
            # RFC 9068, section 2.2: if no person is involved, the subject is the client.
            if claims["sub"] == common["client_id"]:
                return ClientPrincipal(**common)
            return UserPrincipal(
                **common,
                user_id=_id(claims, "sub"),
                random_id=_random_text(claims, "rid"),
                username=_typed(claims, "username", str),
                roles=_names(claims, "roles"),
                permissions=_names(claims, "permissions"),
                token_version=_typed(claims, "ver", int),
                authenticated_at=datetime.fromtimestamp(_typed(claims, "auth_time", int), UTC),
                acr=_typed(claims, "acr", str) if "acr" in claims else Acr.ONE_FACTOR,
            )
        except (KeyError, TypeError, OverflowError, OSError) as error:
            raise ValueError("not the claims of an access token") from error


@dataclass(frozen=True, slots=True)
class ClientPrincipal(Principal):
    """A program that acts for itself."""


@dataclass(frozen=True, slots=True)
class UserPrincipal(Principal):
    """A signed-in person. When the account's `token_version` increases, tokens with lower versions are revoked.

    `random_id` distinguishes the account from one that had the same id before a restore; accounts of early versions
    have none. `authenticated_at` and `acr` are the time and level of the person's last authentication.
    """

    user_id: int
    random_id: str | None
    username: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    token_version: int
    authenticated_at: datetime
    acr: str

    @property
    def account(self) -> AccountRef:
        """The account of the person."""
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
