"""The devices of an account: seeing them and ending them."""

from collections.abc import Sequence

from gatepost.access.principal import Principal
from gatepost.accounts.repository import Users
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, retry_conflicts
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

    async def list(self, principal: Principal) -> Sequence[Session]:
        """Return the sessions of an account that go on, the last used first."""
        async with self._db.read() as tx:
            user = await Users(tx).of(principal)
            return await Sessions(tx).live(user.id, now=self._clock.now()) if user is not None else []

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
            user = await Users(tx).of(principal)
            if user is None or not await self.end(
                tx, user_id=user.id, session_id=session_id, reason="ended_by_owner", client=client
            ):
                raise SessionNotFound

    @retry_conflicts
    async def end_all(self, principal: Principal, *, keep_this: bool, client: Client) -> None:
        """End every session of the caller's account, or every other one."""
        async with self._db.begin() as tx:
            user = await Users(tx).of(principal)
            if user is None:
                return
            await self.end(
                tx,
                user_id=user.id,
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
        since: int | None = None,
        device: str | None = None,
        keep: int | None = None,
    ) -> Sequence[Session]:
        """End sessions in the caller's transaction: all that fit what is given; return those that ended.

        `since` is the id of the first, and ids grow.
        """
        now = self._clock.now()
        ended = await Sessions(tx).end(
            now=now, reason=reason, user_id=user_id, session_id=session_id, since=since, device=device, keep=keep
        )
        await self._feed.revoke_sessions(tx, ended)
        for session in ended:
            record(
                tx, AuditEvent.SESSION_ENDED, at=now, user_id=session.user_id, session_id=session.id,
                client=client, details={"reason": reason},
            )  # fmt: skip
        return ended
