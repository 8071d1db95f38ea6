"""Reads and changes the user's own profile."""

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name
from gatepost.identity.registration.service import username_of, username_taken
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.tokens.principal import UserPrincipal


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """A change of the profile; None means no change."""

    username: Name | None = None
    language: str | None = None


class ProfileService:
    """Lets users read and change their own account."""

    def __init__(self, database: Database, clock: Clock, feed: RevocationFeed) -> None:
        self._db = database
        self._clock = clock
        self._feed = feed

    async def get(self, principal: UserPrincipal) -> User:
        """Return the account of the caller.

        Raises:
            UserNotFound: it has just been deleted.
        """
        async with self._db.read() as tx:
            return await account_of(tx, principal.account)

    async def change(self, principal: UserPrincipal, change: ProfileChange, *, info: RequestInfo) -> User:
        """Change the caller's user name or language.

        Raises:
            UserNotFound: the account has just been deleted.
            UsernameTaken: another account has the name.
            UsernameInvalid: it is an e-mail address, but not the account's own.
        """
        try:
            return await self._change(principal, change, info=info)
        except IntegrityError as error:
            raise username_taken() from error

    @retry_conflicts
    async def _change(self, principal: UserPrincipal, change: ProfileChange, *, info: RequestInfo) -> User:
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await account_of(tx, principal.account, is_locked=True)
            changed = []
            own = Name(user.email, user.email_canonical)
            name = username_of(change.username, email=own) if change.username is not None else None
            if name is not None and name.display != user.username:
                user.rename(name)
                changed.append("username")
                # Access tokens contain the name.
                await self._feed.revoke_account(tx, user.id)
            if change.language is not None and change.language != user.language:
                user.language = change.language
                changed.append("language")
            if changed:
                user.touch(now)
                record(
                    tx, AuditEvent.PROFILE_CHANGED, at=now, user_id=user.id, session_id=principal.session_id,
                    info=info, details={"changed": changed},
                )  # fmt: skip
            await tx.flush()
        return user
