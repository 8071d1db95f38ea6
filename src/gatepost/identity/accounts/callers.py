"""Reads the current account of a caller, because their token may be older."""

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.errors import UserNotFound
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.reference import AccountRef
from gatepost.identity.accounts.repository import Users


async def account_of(tx: Transaction, account: AccountRef, *, is_locked: bool = False) -> User:
    """Return the account of a caller; with `is_locked`, lock it until the transaction ends.

    Raises:
        UserNotFound: it has just been deleted.
    """
    user = await Users(tx).of(account, is_locked=is_locked)
    if user is None:
        raise UserNotFound
    return user
