"""Second factors of accounts that are exported or imported, in the database: opened here, and sealed."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import func, or_, select

from gatepost.core.crypto.sealing import SealError
from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.credentials.totp.method import TotpMethod
from gatepost.identity.factors.enrolment import IS_SET_UP
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret, owner_of
from gatepost.transfer.factors import MovedFactors, MovedRecoveryCodes, MovedTotp

# In the place of what SECRET_KEY does not open.
SHUT = object()


class FactorStore:
    """Reads and writes the second factors of accounts, in transactions of its callers."""

    def __init__(self, totp: TotpMethod, recovery_codes: RecoveryCodeMethod) -> None:
        _, self._totp_box = totp.sealed
        _, self._codes_box = recovery_codes.sealed

    async def count(self, tx: Transaction) -> int:
        """Return how many accounts have any."""
        return await tx.scalar(select(func.count()).select_from(User).where(or_(*IS_SET_UP.values()))) or 0

    async def read(self, tx: Transaction, users: Sequence[User], unopened: list[int]) -> dict[int, MovedFactors]:
        """Return what these accounts have, opened, by their ids; `unopened` gets those with more than that."""
        ids = [user.id for user in users]
        totp = {row.user_id: row for row in await _all(tx, TotpSecret, ids) if row.confirmed_at is not None}
        codes = {row.user_id: row for row in await _all(tx, RecoveryCodes, ids)}
        found = {}
        for user in users:
            opened = {
                "totp": _or_shut(self._opened_totp, totp.get(user.id), user),
                "recovery_codes": _or_shut(self._opened_codes, codes.get(user.id), user),
            }
            if SHUT in opened.values():
                unopened.append(user.id)
            found[user.id] = MovedFactors(**{name: one for name, one in opened.items() if one is not SHUT})
        return found

    def write(self, tx: Transaction, user: User, factors: MovedFactors) -> None:
        """Seal what a new account has, and add it."""
        if (totp := factors.totp) is not None:
            tx.add(
                TotpSecret(
                    user_id=user.id,
                    sealed_secret=self._totp_box.seal(totp.secret, owner=owner_of(user)),
                    last_step=totp.last_step,
                    created_at=totp.created_at,
                    confirmed_at=totp.confirmed_at,
                    last_used_at=totp.last_used_at,
                )
            )
        if (codes := factors.recovery_codes) is not None:
            tx.add(
                RecoveryCodes(
                    user_id=user.id,
                    sealed_key=self._codes_box.seal(codes.key, owner=owner_of(user)),
                    digests=list(codes.digests),
                    unused=codes.unused,
                    created_at=codes.created_at,
                    last_used_at=codes.last_used_at,
                )
            )

    async def lacking(self, tx: Transaction, wanted: Sequence[tuple[User, MovedFactors]]) -> set[int]:
        """Return the ids of the accounts that do not have a factor which they should."""
        ids = [user.id for user, _ in wanted]
        totp = {row.user_id for row in await _all(tx, TotpSecret, ids)}
        codes = {row.user_id for row in await _all(tx, RecoveryCodes, ids)}
        return {
            user.id
            for user, factors in wanted
            if (factors.totp is not None and user.id not in totp)
            or (factors.recovery_codes is not None and user.id not in codes)
        }

    def _opened_totp(self, row: TotpSecret, user: User) -> MovedTotp:
        secret = self._totp_box.open(row.sealed_secret, owner=owner_of(user))
        confirmed_at = row.confirmed_at or row.created_at
        return MovedTotp(secret, row.last_step, row.created_at, confirmed_at, row.last_used_at)

    def _opened_codes(self, row: RecoveryCodes, user: User) -> MovedRecoveryCodes:
        key = self._codes_box.open(row.sealed_key, owner=owner_of(user))
        return MovedRecoveryCodes(key, tuple(row.digests), row.unused, row.created_at, row.last_used_at)


def _or_shut(open_row: Callable[[Any, User], Any], row: Any, user: User) -> Any:
    """Open a row that is there; one that no SECRET_KEY opens must not take the others of its account with it."""
    try:
        return None if row is None else open_row(row, user)
    except SealError:
        return SHUT


async def _all(tx: Transaction, model: Any, ids: Collection[int]) -> Sequence[Any]:
    return (await tx.scalars(select(model).where(model.user_id.in_(ids)))).all()
