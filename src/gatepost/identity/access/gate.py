"""The gate of every protected route: from an access token to the person, or a refusal."""

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
    """Admits whoever holds a good access token; in feed mode it asks nothing but memory."""

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
        """Return whom the token is from; `at_once` asks the database too, for what was revoked a moment ago elsewhere.

        Raises:
            TokenMissing, TokenInvalid, TokenExpired: there is none, or it is no good one.
            TokenRevoked, TokenStale: it was good before its session ended, or its account changed.
            RevocationUnknown, DatabaseUnavailable: that cannot be told now.
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
        # A version above the account's is of a time that a restore has undone.
        if subject.disabled_at is not None or subject.token_version != principal.token_version:
            raise TokenStale
