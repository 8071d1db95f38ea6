"""Revokes invitations whose inviter has lost the account or the authority in whose name they were sent."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import joinedload

from gatepost.audit.log import AuditEvent, record
from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.authority import Authority
from gatepost.identity.accounts.models import Role, User, user_roles
from gatepost.identity.accounts.roles import Permission
from gatepost.identity.invitations.models import Invitation, invitation_roles


async def take_back_sent_by(
    tx: Transaction, inviter_id: int, *which: ColumnElement[bool], reason: str, now: datetime
) -> None:
    """Revoke the invitations of an account, or those that match, with one statement and one audit entry.

    The caller has locked the account, or has called `take_turn`, so that the account sends none meanwhile.
    """
    sent = (Invitation.inviter_id == inviter_id, *which)
    ids = (await tx.scalars(select(Invitation.id).where(*sent).order_by(Invitation.id))).all()
    if ids:
        await tx.execute(delete(Invitation).where(*sent).execution_options(synchronize_session=False))
        record(
            tx, AuditEvent.INVITATION_REVOKED, at=now, user_id=inviter_id,
            details={"invitations": list(ids), "reason": reason},
        )  # fmt: skip


async def take_back_beyond_reach(tx: Transaction, inviter_ids: Collection[int], *, reason: str, now: datetime) -> None:
    """Revoke invitations to roles that these inviters may no longer grant, so that regained authority revives none."""
    have_sent = select(Invitation.inviter_id).where(Invitation.inviter_id.in_(inviter_ids))
    query = select(User).options(joinedload(User.roles)).where(User.id.in_(have_sent)).order_by(User.id)
    inviters = (await tx.scalars(query.execution_options(populate_existing=True))).unique().all()
    roles = (await tx.scalars(select(Role).order_by(Role.id))).all() if inviters else ()
    for inviter in inviters:
        authority = Authority.of(inviter)
        beyond = [role.id for role in roles if not authority.reaches([role])]
        gives = select(invitation_roles.c.invitation_id).where(invitation_roles.c.role_id.in_(beyond))
        which = (Invitation.id.in_(gives),) if authority.allows([Permission.USERS_WRITE]) else ()
        await take_back_sent_by(tx, inviter.id, *which, reason=reason, now=now)


async def inviters_touched_by(tx: Transaction, role_id: int) -> Collection[int]:
    """Return the inviters who hold a role or grant it in an invitation: few, however many people hold the role."""
    holds = select(user_roles.c.user_id).where(user_roles.c.role_id == role_id)
    gives = select(invitation_roles.c.invitation_id).where(invitation_roles.c.role_id == role_id)
    touched = or_(Invitation.inviter_id.in_(holds), Invitation.id.in_(gives))
    return (await tx.scalars(select(Invitation.inviter_id).where(touched).distinct())).all()
