"""What an account has set up beside its password."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, exists, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey, RecoveryCodes, TotpSecret

# Who can show more than a password, by what, the usual way first: the column of the account, and what else must hold.
OWNERS: Mapping[Method, tuple[InstrumentedAttribute[int], ColumnElement[bool]]] = {
    Method.PASSKEY: (Passkey.user_id, true()),
    Method.TOTP: (TotpSecret.user_id, TotpSecret.confirmed_at.is_not(None)),
    Method.RECOVERY_CODE: (RecoveryCodes.user_id, RecoveryCodes.unused != 0),
}
# Those that every sign-in wants where they are there. Recovery codes alone are no second factor.
SECOND_FACTORS = (Method.PASSKEY, Method.TOTP)
# Whether an account has them. They stand beside the account in queries.
IS_SET_UP: Mapping[Method, ColumnElement[bool]] = {
    method: exists().where(owner == User.id, counts).correlate(User) for method, (owner, counts) in OWNERS.items()
}
HAS_SECOND_FACTOR: ColumnElement[bool] = or_(*(IS_SET_UP[method] for method in SECOND_FACTORS))


@dataclass(frozen=True, slots=True)
class ShownSecret:
    """A secret for an authenticator app, shown once: as text, as the address that apps read, and that as a QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    svg: str = field(repr=False)


async def has_second_factor(tx: Transaction, user_id: int) -> bool:
    """Whether an account has a second factor now."""
    return bool(await tx.scalar(select(HAS_SECOND_FACTOR).select_from(User).where(User.id == user_id)))


async def has_passkeys(tx: Transaction, user_id: int, passkey_ids: Collection[int]) -> bool:
    """Whether an account has all of these passkeys now."""
    theirs = select(func.count()).select_from(Passkey).where(Passkey.user_id == user_id, Passkey.id.in_(passkey_ids))
    return await tx.scalar(theirs) == len(set(passkey_ids))


async def usable_methods(tx: Transaction, user_id: int) -> list[Method]:
    """Return by what an account can show more than its password, the usual way first."""
    has = (await tx.execute(select(*IS_SET_UP.values()).select_from(User).where(User.id == user_id))).one_or_none()
    return methods_in(has) if has is not None else []


def methods_in(has: Sequence[bool]) -> list[Method]:
    """Return the methods of an account, given what `IS_SET_UP` was for it."""
    return [method for method, is_there in zip(IS_SET_UP, has, strict=True) if is_there]
