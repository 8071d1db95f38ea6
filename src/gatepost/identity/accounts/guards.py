"""Rules for all accounts together: there is always an administrator."""

from sqlalchemy import ColumnElement, Select, and_, column, exists, literal, or_, select, table

from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Transaction
from gatepost.core.settings import EmailVerification
from gatepost.identity.accounts.errors import LastAdministrator
from gatepost.identity.accounts.models import Role, User, user_roles
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.roles import RoleName

# What opens an account besides a password. The models are in packages that import this one.
WAYS_IN = (table("passkeys", column("user_id")), table("identities", column("user_id")))


async def take_turn(tx: Transaction) -> None:
    """Lock out, until the transaction ends, all other changes that depend on rows that they do not lock."""
    await tx.execute(select(Role.id).where(Role.name == RoleName.ADMIN).with_for_update())


async def require_another_administrator(tx: Transaction, user: User, *, policy: AccountPolicy) -> None:
    """Check that another administrator can sign in, before an account loses the role admin or its means to sign in.

    Raises:
        LastAdministrator: there is no other.
    """
    if RoleName.ADMIN not in user.role_names:
        return
    await take_turn(tx)
    if not await has_administrator(tx, policy=policy, but=user.id):
        raise LastAdministrator


async def require_administrator(tx: Transaction, user: User, *, policy: AccountPolicy) -> None:
    """Check that an administrator can sign in, after an account has lost a means to sign in.

    Raises:
        LastAdministrator: there is none.
    """
    if RoleName.ADMIN not in user.role_names:
        return
    await take_turn(tx)
    if not await has_administrator(tx, policy=policy):
        raise LastAdministrator


async def has_administrator(tx: Transaction, *, policy: AccountPolicy, but: int = 0) -> bool:
    """Whether an account with the role admin, other than `but`, can currently sign in."""
    return bool(await tx.scalar(select(exists(_administrators(policy).where(User.id != but)))))


async def first_administrator(tx: Transaction, *, policy: AccountPolicy) -> int | None:
    """Return the id of the oldest account with the role admin that can currently sign in."""
    return await tx.scalar(_administrators(policy).order_by(User.id).limit(1))


def _administrators(policy: AccountPolicy) -> Select[int]:
    return (
        select(User.id)
        .join(user_roles, user_roles.c.user_id == User.id)
        .join(Role, Role.id == user_roles.c.role_id)
        .where(Role.name == RoleName.ADMIN, *_can_sign_in(policy))
    )


def _can_sign_in(policy: AccountPolicy) -> tuple[ColumnElement[bool], ...]:
    proves = or_(
        User.password_hash != UNUSABLE_HASH,
        *(exists().where(way.c.user_id == User.id).correlate(User) for way in WAYS_IN),
        # A code by mail, of somebody who has shown that they get it.
        and_(literal(policy.email_sign_in), User.email_verified_at.is_not(None)),
    )
    needed = (User.disabled_at.is_(None), User.erase_at.is_(None), proves)
    if policy.verification is EmailVerification.REQUIRED:
        return (*needed, User.email_verified_at.is_not(None))
    return needed
