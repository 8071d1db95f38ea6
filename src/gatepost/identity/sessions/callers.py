"""Locks the account of a caller who changes how to sign in to it, and checks that their session has not just ended."""

from datetime import datetime

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.accounts.errors import WrongPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.tokens.errors import TokenRevoked
from gatepost.identity.tokens.principal import UserPrincipal


async def caller_of(tx: Transaction, principal: UserPrincipal, *, now: datetime) -> User:
    """Return the locked account of a caller. Their session is locked too, so that it cannot end before the transaction.

    Raises:
        UserNotFound: the account has just been deleted.
        TokenRevoked: the session has just ended.
    """
    user = await account_of(tx, principal.account, is_locked=True)
    if await Sessions(tx).held(principal.session_id, now=now) is None:
        raise TokenRevoked
    return user


async def proved_caller(tx: Transaction, principal: UserPrincipal, *, proved_hash: str, now: datetime) -> User:
    """Do the same for a caller who has reauthenticated while the account had the password hash `proved_hash`.

    Raises:
        UserNotFound, TokenRevoked: as for `caller_of`.
        WrongPassword: the password has just been replaced.
    """
    user = await caller_of(tx, principal, now=now)
    if user.password_hash != proved_hash:
        raise WrongPassword
    return user
