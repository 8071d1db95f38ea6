"""The devices of an account: seeing them and ending them."""

from collections.abc import AsyncIterator, Sequence

from gatepost.access.principal import Principal
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, retry_conflicts
from gatepost.core.pages import in_pages
from gatepost.sessions.errors import SessionNotFound
from gatepost.sessions.models import Session
from gatepost.sessions.refresh_tokens import RefreshTokens
from gatepost.sessions.repository import Sessions
from gatepost.sessions.revocation import RevocationFeed


class SessionService:
    """Lists and ends sessions; what ends takes its access tokens with it, everywhere."""

    def __init__(self, database: Database, clock: Clock, *, refresh: RefreshTokens, feed: RevocationFeed) -> None:
        self._db = database
        self._clock = clock
        self._refresh = refresh
        self._feed = feed

    def list(self, user_id: int) -> AsyncIterator[Sequence[Session]]:
        """Give the sessions of an account that go on, the last used first, page by page."""
        now = self._clock.now()
        return in_pages(self._db, lambda tx, last, size: Sessions(tx).live(user_id, now=now, after=last, size=size))

    @retry_conflicts
    async def sign_out(self, principal: Principal, *, client: Client) -> None:
        """End the caller's session; one that has ended already is fine."""
        async with self._db.begin() as tx:
            await self.end(tx, session_id=principal.session_id, reason="signed_out", client=client)

    @retry_conflicts
    async def sign_out_with(self, refresh_token: str, *, client: Client) -> None:
        """End the session of a refresh token; one that has ended already is fine.

        Raises:
            RefreshTokenInvalid: it is not one of ours.
        """
        ticket = self._refresh.read(refresh_token)
        async with self._db.begin() as tx:
            await self.end(tx, session_id=ticket.session_id, reason="signed_out", client=client)

    @retry_conflicts
    async def end_one(self, principal: Principal, session_id: int, *, client: Client) -> None:
        """End one session of the caller's account.

        Raises:
            SessionNotFound: the account has no such session that goes on.
        """
        async with self._db.begin() as tx:
            ended = await self.end(
                tx, user_id=principal.user_id, session_id=session_id, reason="ended_by_owner", client=client
            )
        if not ended:
            raise SessionNotFound

    @retry_conflicts
    async def end_all(self, principal: Principal, *, keep_this: bool, client: Client) -> None:
        """End every session of the caller's account, or every other one."""
        async with self._db.begin() as tx:
            await self.end(
                tx,
                user_id=principal.user_id,
                keep=principal.session_id if keep_this else None,
                reason="ended_by_owner",
                client=client,
            )

    async def end(
        self,
        tx: Transaction,
        *,
        reason: str,
        client: Client | None = None,
        user_id: int | None = None,
        session_id: int | None = None,
        device: str | None = None,
        keep: int | None = None,
    ) -> Sequence[Session]:
        """End sessions in the caller's transaction: all that fit what is given; return those that ended."""
        now = self._clock.now()
        ended = await Sessions(tx).end(
            now=now, reason=reason, user_id=user_id, session_id=session_id, device=device, keep=keep
        )
        for session in ended:
            await self._feed.revoke_session(tx, session)
            record(
                tx, AuditEvent.SESSION_ENDED, at=now, user_id=session.user_id, session_id=session.id,
                client=client, details={"reason": reason},
            )  # fmt: skip
        return ended
