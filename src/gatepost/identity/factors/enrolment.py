"""What an account has set up beside its password."""

from sqlalchemy import ColumnElement, exists, select

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret

# Whether an account has a second factor, which every sign-in then wants; recovery codes alone are none. It stands
# beside the account in queries.
HAS_SECOND_FACTOR: ColumnElement[bool] = (
    exists().where(TotpSecret.user_id == User.id, TotpSecret.confirmed_at.is_not(None)).correlate(User)
)


async def has_second_factor(tx: Transaction, user_id: int) -> bool:
    """Whether an account has a second factor now."""
    return bool(await tx.scalar(select(HAS_SECOND_FACTOR).select_from(User).where(User.id == user_id)))


async def usable_methods(tx: Transaction, user_id: int) -> list[Method]:
    """Return by what an account can show more than its password, the usual way first."""
    codes = select(RecoveryCodes.user_id).where(RecoveryCodes.user_id == user_id, RecoveryCodes.unused != 0)
    has = {
        Method.TOTP: await has_second_factor(tx, user_id),
        Method.RECOVERY_CODE: await tx.scalar(codes) is not None,
    }
    return [method for method, is_there in has.items() if is_there]
