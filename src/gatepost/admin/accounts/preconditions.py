"""The checks before every change by an administrator: permission, authority and version."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from gatepost.admin.accounts.errors import BeyondAuthority, OwnAccount, VersionMismatch
from gatepost.admin.accounts.repository import ManagedUsers
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.access.errors import PermissionRequired
from gatepost.identity.accounts.authority import Authority
from gatepost.identity.accounts.errors import UserNotFound
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.accounts.roles import ALL_PERMISSIONS, Permission
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.tokens.errors import TokenRevoked, TokenStale
from gatepost.identity.tokens.principal import UserPrincipal

ANY = "*"


@dataclass(frozen=True, slots=True)
class Caller:
    """The administrator who makes a change, and the request."""

    principal: UserPrincipal
    info: RequestInfo

    @property
    def user_id(self) -> int:
        """The id of their account."""
        return self.principal.user_id

    @property
    def in_name_of(self) -> int:
        """The account in whose name invitations are sent: their own."""
        return self.user_id


@dataclass(frozen=True, slots=True)
class Shell:
    """An operator who runs commands on the machine. They may do everything, and the audit log has no account for them.

    Invitations need an account as inviter, and are sent in the name of one.
    """

    in_name_of: int | None = None
    user_id: None = None
    info: None = None


Actor = Caller | Shell
EVERYTHING = Authority(frozenset(), frozenset({ALL_PERMISSIONS}))


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The state that the caller has read: the tags of If-Match (RFC 9110, section 13.1.1), or the version.

    None means that any state is fine.
    """

    tags: tuple[str, ...] | None = None
    version: int | None = None

    def require(self, tag: str, *, version: int | None = None) -> None:
        """Check that the resource is as the caller read it.

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
    """Return the ETag of a role. Roles have no version, so it is a digest of the content."""
    text = json.dumps([role.id, role.name, role.description, sorted(role.permissions)])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def roles_in_words(roles: Iterable[Role]) -> dict[str, list[str] | list[int]]:
    """Return roles for the audit log: their current names, and their ids, which do not change."""
    held = list(roles)
    return {"roles": [role.name for role in held], "role_ids": [role.id for role in held]}


async def authority_of(tx: Transaction, caller: Actor, permission: Permission) -> Authority:
    """Return the caller's current authority, which cannot change until the transaction ends.

    Raises:
        TokenStale, TokenRevoked: their account has changed, or their session ended, since their token was issued.
        PermissionRequired: they do not have this permission.
    """
    answers = await Users(tx).kept(caller.in_name_of) if caller.in_name_of is not None else None
    if isinstance(caller, Shell) and caller.in_name_of is not None:
        if answers is None or answers.disabled_at is not None or answers.erase_at is not None:
            raise PermissionRequired("The inviting account is disabled or will be deleted.")
        return _allowed(Authority.of(answers), permission)
    return await _authority(tx, answers, caller, permission)


async def authorize_change(
    tx: Transaction,
    caller: Actor,
    user_id: int,
    if_match: IfMatch,
    *,
    own_route: str | None = None,
    permission: Permission = Permission.USERS_WRITE,
) -> tuple[User, Authority]:
    """Lock and return the account to be changed, and return the caller's authority.

    `own_route` names the route for the caller's own account; None if this one may be used for it.

    Raises:
        TokenStale, TokenRevoked, PermissionRequired: as for `authority_of`.
        OwnAccount: it is the caller's own account, which has another route for this.
        UserNotFound: there is no account with this id.
        BeyondAuthority: the account has permissions that the caller does not have.
        VersionMismatch: it has changed since the caller read it.
    """
    actor, user = await ManagedUsers(tx).lock(actor_id=caller.user_id, user_id=user_id)
    authority = await _authority(tx, actor, caller, permission)
    if user is None:
        raise UserNotFound
    if user_id == caller.user_id:
        if own_route is not None:
            raise OwnAccount(f"This is your own account. Use {own_route}.")
    elif not authority.reaches(user.roles):
        raise BeyondAuthority
    if_match.require(tag_of_user(user), version=user.version)
    return user, authority


async def _authority(tx: Transaction, actor: User | None, caller: Actor, permission: Permission) -> Authority:
    if isinstance(caller, Shell):
        return EVERYTHING
    # The token was valid when the request arrived, but the account or the session may have changed since.
    if actor is None or actor.disabled_at is not None:
        raise TokenStale
    # After a restore, the id alone may belong to another account.
    said = caller.principal
    if (actor.random_id, actor.token_version) != (said.random_id, said.token_version):
        raise TokenStale
    session = await Sessions(tx).get(caller.principal.session_id)
    if session is None or session.ended_at is not None:
        raise TokenRevoked
    return _allowed(Authority.of(actor), permission)


def _allowed(authority: Authority, permission: Permission) -> Authority:
    if not authority.allows([permission]):
        raise PermissionRequired(f"The permission {permission} is needed.")
    return authority
