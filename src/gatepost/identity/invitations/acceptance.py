"""Accepts invitations. The inviter's authority is checked when an invitation is sent, and again when it is accepted."""

from collections.abc import Sequence
from datetime import datetime

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.authority import Authority
from gatepost.identity.accounts.errors import InvitationInvalid
from gatepost.identity.accounts.models import Role
from gatepost.identity.accounts.names import Name
from gatepost.identity.accounts.repository import Roles, Users
from gatepost.identity.accounts.roles import Permission
from gatepost.identity.invitations.models import Invitation
from gatepost.identity.invitations.repository import Invitations


async def find(tx: Transaction, token: str, *, email: Name, now: datetime) -> Invitation:
    """Return the invitation of a link's token.

    Raises:
        InvitationInvalid: it was used, has expired, was revoked or replaced, or is for another address.
    """
    invitation = await Invitations(tx).of_token(token, now=now)
    if invitation is None or invitation.email_canonical != email.canonical:
        raise InvitationInvalid
    return invitation


async def accept(tx: Transaction, token: str, *, email: Name, now: datetime) -> tuple[Invitation, Sequence[Role]]:
    """Use up an invitation; return it and its roles, which are locked until the transaction ends.

    Raises:
        InvitationInvalid: it is not valid, or somebody else has just accepted it.
    """
    invitation = await find(tx, token, email=email, now=now)
    return invitation, await _use_up(tx, invitation)


async def accept_found(tx: Transaction, invitation_id: int, *, email: Name, now: datetime) -> Sequence[Role]:
    """Do the same with an invitation whose token was shown before.

    Raises:
        InvitationInvalid: as for `accept`.
    """
    invitation = await Invitations(tx).get(invitation_id)
    if invitation is None or invitation.email_canonical != email.canonical or invitation.expires_at <= now:
        raise InvitationInvalid
    return await _use_up(tx, invitation)


async def _use_up(tx: Transaction, invitation: Invitation) -> Sequence[Role]:
    roles = await roles_given(tx, invitation)
    if not await Invitations(tx).use_up(invitation):
        raise InvitationInvalid
    return roles


async def roles_given(tx: Transaction, invitation: Invitation) -> Sequence[Role]:
    """Return the roles that an invitation grants; they and the inviter are locked until the transaction ends.

    Roles that have been deleted since are left out.

    Raises:
        InvitationInvalid: the inviter's account is gone, disabled or about to be deleted, or may no longer grant them.
    """
    inviter = await Users(tx).kept(invitation.inviter_id)
    if inviter is None or inviter.disabled_at is not None or inviter.erase_at is not None:
        raise InvitationInvalid
    roles = await Roles(tx).kept([role.id for role in invitation.roles])
    authority = Authority.of(inviter)
    if not (authority.allows([Permission.USERS_WRITE]) and authority.reaches(roles)):
        raise InvitationInvalid
    return roles
