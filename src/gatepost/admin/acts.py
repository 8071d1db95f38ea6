"""What every act of looking after others begins with: who may do it, on what, as they have seen it."""

import hashlib
import json
from dataclasses import dataclass

from gatepost.access.authority import Authority
from gatepost.access.principal import Principal
from gatepost.accounts.errors import UserNotFound
from gatepost.accounts.models import Role, User
from gatepost.admin.errors import BeyondAuthority, VersionMismatch
from gatepost.admin.repository import ManagedUsers
from gatepost.core.client import Client
from gatepost.core.database import Transaction
from gatepost.sessions.errors import TokenStale

ANY = "*"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, and from where."""

    principal: Principal
    client: Client

    @property
    def user_id(self) -> int:
        """The id of their account."""
        return self.principal.user_id


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of a thing that the caller has seen: the tags of If-Match (RFC 9110, section 13.1.1), or its version.

    None is a caller who does not care.
    """

    tags: tuple[str, ...] | None = None
    version: int | None = None

    def require(self, tag: str, *, version: int | None = None) -> None:
        """Go on only where the thing is as it was seen.

        Raises:
            VersionMismatch: it has changed.
        """
        if self.tags is not None and ANY not in self.tags and tag not in self.tags:
            raise VersionMismatch
        if self.version is not None and self.version != version:
            raise VersionMismatch


def tag_of_user(user: User) -> str:
    """Return the ETag of an account."""
    return f'"{user.version}"'


def tag_of_role(role: Role) -> str:
    """Return the ETag of a role, which has no version: a digest of what it says."""
    text = json.dumps([role.id, role.name, role.description, sorted(role.permissions)])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


async def authority_of(tx: Transaction, caller: Caller) -> Authority:
    """Return the caller's authority, as it is now and stays until the transaction ends.

    Raises:
        TokenStale: their account has changed since their access token was issued.
    """
    return _authority(await ManagedUsers(tx).actor(caller.user_id), caller)


async def open_act(tx: Transaction, caller: Caller, user_id: int, seen: Seen) -> tuple[User, Authority]:
    """Return the account to act on, locked, and the caller's authority.

    Raises:
        TokenStale: the caller's account has changed since their access token was issued.
        UserNotFound: there is no account with this id.
        BeyondAuthority: the account has more than the caller.
        VersionMismatch: it is not as the caller has seen it.
    """
    actor, user = await ManagedUsers(tx).lock(actor_id=caller.user_id, user_id=user_id)
    authority = _authority(actor, caller)
    if user is None:
        raise UserNotFound
    if user_id != caller.user_id and not authority.reaches(user.roles):
        raise BeyondAuthority
    seen.require(tag_of_user(user), version=user.version)
    return user, authority


def _authority(actor: User | None, caller: Caller) -> Authority:
    # The gate has let the token pass; that may have been a moment before the account changed.
    if actor is None or actor.disabled_at is not None:
        raise TokenStale
    # The number alone may be another account's since a restore.
    said = caller.principal
    if (actor.random_id, actor.token_version) != (said.random_id, said.token_version):
        raise TokenStale
    return Authority.of(actor)
