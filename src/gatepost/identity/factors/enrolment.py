"""What an account has set up beside its password."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, exists, or_, select

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey, RecoveryCodes, TotpSecret

HAS_TOTP: ColumnElement[bool] = (
    exists().where(TotpSecret.user_id == User.id, TotpSecret.confirmed_at.is_not(None)).correlate(User)
)
HAS_PASSKEY: ColumnElement[bool] = exists().where(Passkey.user_id == User.id).correlate(User)
HAS_RECOVERY_CODE: ColumnElement[bool] = (
    exists().where(RecoveryCodes.user_id == User.id, RecoveryCodes.unused != 0).correlate(User)
)
# Whether an account has a second factor, which every sign-in then wants; recovery codes alone are none. It stands
# beside the account in queries.
HAS_SECOND_FACTOR: ColumnElement[bool] = or_(HAS_TOTP, HAS_PASSKEY)
# The usual way first.
USABLE: Mapping[Method, ColumnElement[bool]] = {
    Method.PASSKEY: HAS_PASSKEY,
    Method.TOTP: HAS_TOTP,
    Method.RECOVERY_CODE: HAS_RECOVERY_CODE,
}


async def has_second_factor(tx: Transaction, user_id: int) -> bool:
    """Whether an account has a second factor now."""
    return bool(await tx.scalar(select(HAS_SECOND_FACTOR).select_from(User).where(User.id == user_id)))


async def usable_methods(tx: Transaction, user_id: int) -> list[Method]:
    """Return by what an account can show more than its password, the usual way first."""
    row = (await tx.execute(select(*USABLE.values()).select_from(User).where(User.id == user_id))).one()
    return [method for method, is_there in zip(USABLE, row, strict=True) if is_there]
