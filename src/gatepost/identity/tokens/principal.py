"""Who a request is from, as the access token says."""

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


# RFC 9068 asks for the client that a token was issued to; people who sign in here use the service's own.
OWN_CLIENT_ID = "gatepost"


class Acr(StrEnum):
    """How sure it is who signed in, from less to more: the `acr` of RFC 9068, section 2.2.1."""

    ONE_FACTOR = "urn:gatepost:acr:1"
    TWO_FACTORS = "urn:gatepost:acr:2"
    PHISHING_RESISTANT = "urn:gatepost:acr:phr"


@dataclass(frozen=True, slots=True)
class Principal:
    """What every access token says: a `UserPrincipal` speaks for a person, a `ClientPrincipal` for a program.

    `client_id` is what the token was issued to, `scope` what it may be used for, and `session_id` ties it to what may
    be revoked.
    """

    client_id: str
    scope: tuple[str, ...]
    session_id: int
    issued_at: datetime
    expires_at: datetime

    @staticmethod
    def from_claims(claims: Mapping[str, Any]) -> "UserPrincipal | ClientPrincipal":
        """Read the claims of an access token that has been verified.

        Raises:
            ValueError: a claim that every access token of ours has is missing, or of another type.
        """
        try:
            common = {
                "client_id": _typed(claims, "client_id", str),
                "scope": tuple(_typed(claims, "scope", str).split()) if "scope" in claims else (),
                "session_id": _id(claims, "sid"),
                "issued_at": datetime.fromtimestamp(_typed(claims, "iat", int), UTC),
                "expires_at": datetime.fromtimestamp(_typed(claims, "exp", int), UTC),
            }
            # RFC 9068, section 2.2: where no person is involved, the subject is the client.
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
    """A signed-in person. `token_version` ties the access token to what may be revoked, as the session does.

    `random_id` tells the account from one that had its number before a restore; accounts of early versions have none.
    `authenticated_at` and `acr` tell when the person last proved who they are, and how well.
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
