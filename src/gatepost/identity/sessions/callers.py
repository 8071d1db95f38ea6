"""The account of a caller who changes how people sign in to it: their session may have ended a moment ago."""

from datetime import datetime

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.accounts.errors import WrongPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.tokens.errors import TokenRevoked
from gatepost.identity.tokens.principal import UserPrincipal


async def caller_of(tx: Transaction, principal: UserPrincipal, *, now: datetime) -> User:
    """Return the locked account of a caller whose session goes on, and cannot be ended before the transaction is.

    Raises:
        UserNotFound: it has just been deleted.
        TokenRevoked: the session has ended a moment ago.
    """
    user = await account_of(tx, principal.account, is_locked=True)
    if await Sessions(tx).held(principal.session_id, now=now) is None:
        raise TokenRevoked
    return user


async def proved_caller(tx: Transaction, principal: UserPrincipal, *, proved_hash: str, now: datetime) -> User:
    """Return the same for a caller who has proved who they are while the account had the password `proved_hash`.

    Raises:
        UserNotFound, TokenRevoked: as for `caller_of`.
        WrongPassword: its password has just been replaced.
    """
    user = await caller_of(tx, principal, now=now)
    if user.password_hash != proved_hash:
        raise WrongPassword
    return user
