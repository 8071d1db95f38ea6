"""What an account has set up beside its password."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, exists, select

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret

# What an account can show more than its password, the usual way first. They stand beside the account in queries.
IS_SET_UP: Mapping[Method, ColumnElement[bool]] = {
    Method.TOTP: exists().where(TotpSecret.user_id == User.id, TotpSecret.confirmed_at.is_not(None)).correlate(User),
    Method.RECOVERY_CODE: exists().where(RecoveryCodes.user_id == User.id, RecoveryCodes.unused != 0).correlate(User),
}
# Whether an account has a second factor, which every sign-in then wants; recovery codes alone are none.
HAS_SECOND_FACTOR: ColumnElement[bool] = IS_SET_UP[Method.TOTP]


async def has_second_factor(tx: Transaction, user_id: int) -> bool:
    """Whether an account has a second factor now."""
    return bool(await tx.scalar(select(HAS_SECOND_FACTOR).select_from(User).where(User.id == user_id)))


async def usable_methods(tx: Transaction, user_id: int) -> list[Method]:
    """Return by what an account can show more than its password, the usual way first."""
    return (await methods_of(tx, [user_id])).get(user_id, [])


async def methods_of(tx: Transaction, user_ids: Collection[int]) -> dict[int, list[Method]]:
    """Return the same for several accounts, by their ids."""
    query = select(User.id, *IS_SET_UP.values()).where(User.id.in_(user_ids))
    return {
        user_id: [method for method, is_there in zip(IS_SET_UP, has, strict=True) if is_there]
        for user_id, *has in await tx.execute(query)
    }
