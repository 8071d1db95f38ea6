"""Who is signed in proves once more who they are."""

from collections.abc import Sequence

from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.errors import UserNotFound, WrongPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.throttling.counters import Counter, turn_of
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.throttling.rates import Rate, RateLimits
from gatepost.identity.tokens.principal import UserPrincipal


class Reauthentication:
    """Asks for a proof before what a session alone is not enough for."""

    def __init__(self, database: Database, passwords: Passwords, guesses: Guesses, rates: RateLimits) -> None:
        self._db = database
        self._passwords = passwords
        self._guesses = guesses
        self._rates = rates

    async def by_password(self, principal: UserPrincipal, password: str, *, info: RequestInfo) -> User:
        """Return the caller's account if the password is theirs.

        Wrong ones count on the session alone: whoever has got hold of it locks the owner out of no other.

        Raises:
            WrongPassword: it is not.
            TooManyAttempts: too many were not.
            TooManyRequests: too many were, of late.
            UserNotFound: the account has been deleted a moment ago.
            HashingBusy: too many people are signing in.
        """
        counters = self._guesses.of_session(principal.session_id)
        async with self._db.read() as tx:
            await self._guesses.check(tx, counters)
            user = await Users(tx).of(principal.account)
        if user is None:
            raise UserNotFound
        await self._rates.require_room(Rate.SIGN_IN, str(user.id))
        verdict = await self._passwords.verify(password, user.password_hash, asker=turn_of(info, str(user.id)))
        await self._settle(user, counters, is_right=verdict.is_right, info=info)
        if not verdict.is_right:
            raise WrongPassword
        await self._rates.hit(Rate.SIGN_IN, str(user.id))
        return user

    @retry_conflicts
    async def _settle(self, user: User, counters: Sequence[Counter], *, is_right: bool, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            if is_right:
                await self._guesses.record_success(tx, counters, user, info=info)
            else:
                await self._guesses.record_failure(tx, counters, info=info, user_id=user.id)
