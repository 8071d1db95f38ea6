"""The gate in front of every protected route: authenticates access tokens."""

from datetime import datetime

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.logs.context import note_user
from gatepost.core.settings import RevocationMode
from gatepost.identity.sessions.activity import SessionActivity
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.tokens.errors import TokenMissing, TokenRevoked, TokenStale
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.identity.tokens.verifier import AccessTokenVerifier


class Gate:
    """Authenticates people with a valid access token; in feed mode without a query."""

    def __init__(
        self,
        verifier: AccessTokenVerifier,
        feed: RevocationFeed,
        database: Database,
        clock: Clock,
        *,
        activity: SessionActivity,
        mode: RevocationMode,
    ) -> None:
        self._verifier = verifier
        self._feed = feed
        self._db = database
        self._clock = clock
        self._activity = activity
        self._mode = mode

    async def authenticate(self, token: str | None, *, at_once: bool = False) -> UserPrincipal:
        """Return the person of a token. `at_once` also asks the database, to notice what another process just revoked.

        Raises:
            TokenMissing, TokenInvalid, TokenExpired: there is no token, or it is not valid.
            TokenRevoked, TokenStale: its session has ended, or its account has changed.
            RevocationUnknown, DatabaseUnavailable: that cannot be checked now.
        """
        if token is None:
            raise TokenMissing
        principal = self._verifier.verify_user(token)
        now = self._clock.now()
        note_user(principal.user_id)
        if self._mode is not RevocationMode.STRICT:
            self._feed.check(principal, now=now)
        if self._mode is RevocationMode.STRICT or at_once:
            await self._ask_database(principal, now=now)
        self._activity.note_use(principal.session_id, at=now)
        return principal

    async def _ask_database(self, principal: UserPrincipal, *, now: datetime) -> None:
        async with self._db.read() as tx:
            subject = await Sessions(tx).subject(principal.session_id)
        if subject is None or subject.ended_at is not None or subject.expires_at <= now:
            raise TokenRevoked
        if (subject.user_id, subject.random_id) != (principal.user_id, principal.random_id):
            raise TokenRevoked
        # A version above the account's comes from a time before a restore.
        if subject.disabled_at is not None or subject.token_version != principal.token_version:
            raise TokenStale
