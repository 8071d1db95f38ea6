"""What must stay true of all accounts together."""

from sqlalchemy import exists, select

from gatepost.access.principal import RoleName
from gatepost.accounts.errors import LastAdministrator
from gatepost.accounts.models import Role, User, user_roles
from gatepost.core.database import Transaction


async def require_another_administrator(tx: Transaction, user: User) -> None:
    """Let an account lose the role admin, or its sign-in, only while another administrator can sign in.

    Two that ask at once do so one after the other, since each holds the role's row.

    Raises:
        LastAdministrator: there is no other.
    """
    if RoleName.ADMIN not in user.role_names:
        return
    await tx.execute(select(Role.id).where(Role.name == RoleName.ADMIN).with_for_update())
    others = (
        select(User.id)
        .join(user_roles, user_roles.c.user_id == User.id)
        .join(Role, Role.id == user_roles.c.role_id)
        .where(
            Role.name == RoleName.ADMIN,
            User.id != user.id,
            User.disabled_at.is_(None),
            User.erase_at.is_(None),
        )
    )
    if not await tx.scalar(select(exists(others))):
        raise LastAdministrator
