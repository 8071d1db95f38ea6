"""The devices of an account: lists and ends their sessions."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.paging import in_pages
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.repository import Users
from gatepost.identity.links.mails import LinkEnd, end_links
from gatepost.identity.sessions.errors import SessionNotFound
from gatepost.identity.sessions.handout import HeldTokens
from gatepost.identity.sessions.models import DISOWNED, Session
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.tokens.errors import RefreshTokenInvalid, TokenExpired, TokenInvalid
from gatepost.identity.tokens.principal import Principal, UserPrincipal
from gatepost.identity.tokens.refresh_tokens import RefreshTokens
from gatepost.identity.tokens.verifier import AccessTokenVerifier


class SessionService:
    """Lists and ends sessions. The access tokens of an ended session are revoked everywhere."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        access: AccessTokenVerifier,
        refresh: RefreshTokens,
        feed: RevocationFeed,
    ) -> None:
        self._db = database
        self._clock = clock
        self._access = access
        self._refresh = refresh
        self._feed = feed

    async def list(self, principal: UserPrincipal) -> AsyncIterator[Sequence[Session]]:
        """Yield the live sessions of the caller's account, the last used first, page by page."""
        async with self._db.read() as tx:
            user = await Users(tx).of(principal.account)
        if user is not None:
            async for page in self.list_of(user.id):
                yield page

    def list_of(self, user_id: int) -> AsyncIterator[Sequence[Session]]:
        """Yield the live sessions of an account, as `list` does."""
        now = self._clock.now()
        return in_pages(self._db, lambda tx, last, size: Sessions(tx).live(user_id, now=now, after=last, size=size))

    def named_by(self, held: HeldTokens) -> Collection[int]:
        """Return the session ids of tokens, even of expired ones; tokens that are not ours are ignored."""
        found = set()
        for token in held.access:
            with suppress(TokenInvalid):
                found.add(self._access.session_of(token))
        for token in held.refresh:
            with suppress(RefreshTokenInvalid):
                found.add(self._refresh.read(token).session_id)
        return found

    async def sign_out(self, *several: HeldTokens, info: RequestInfo) -> None:
        """End the sessions of all these tokens; there may be none, or they may have ended already."""
        session_ids = {session_id for held in several for session_id in self.named_by(held)}
        good = []
        for token in (token for held in several for token in held.access):
            with suppress(TokenInvalid, TokenExpired):
                good.append(self._access.verify(token))
        if session_ids:
            await self._sign_out(session_ids, good, info=info)

    @retry_conflicts
    async def _sign_out(self, session_ids: Collection[int], good: Sequence[Principal], *, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            await self.end_named(tx, session_ids, reason="signed_out", info=info)
            for principal in good:
                await self._feed.revoke_lost(tx, principal)

    @retry_conflicts
    async def end_one(self, principal: UserPrincipal, session_id: int, *, info: RequestInfo) -> None:
        """End one session of the caller's account.

        Raises:
            SessionNotFound: the account has no live session with this id.
        """
        async with self._db.begin() as tx:
            user = await Users(tx).of(principal.account)
            if user is not None and await self.end(
                tx, user_id=user.id, session_id=session_id, reason="ended_by_owner", info=info
            ):
                return
            if session_id != principal.session_id or not await self._feed.revoke_lost(tx, principal):
                raise SessionNotFound

    @retry_conflicts
    async def end_all(self, principal: UserPrincipal, *, keep_this: bool, info: RequestInfo) -> None:
        """End all sessions of the caller's account, or all but this one, and void links that were requested in them."""
        async with self._db.begin() as tx:
            user = await Users(tx).of(principal.account, is_locked=True)
            if user is not None:
                await end_links(tx, user.id, LinkEnd.SIGNED_OUT_EVERYWHERE, now=self._clock.now())
                keep = principal.session_id if keep_this else None
                await self.end(tx, user_id=user.id, keep=keep, reason="ended_by_owner", info=info)
            if not keep_this:
                await self._feed.revoke_lost(tx, principal)

    async def end_named(self, tx: Transaction, session_ids: Collection[int], *, reason: str, info: RequestInfo) -> None:
        """End these sessions in the caller's transaction, ordered by id, so that concurrent calls do not deadlock."""
        for session_id in sorted(session_ids):
            await self.end(tx, session_id=session_id, reason=reason, info=info)

    async def disown(self, tx: Transaction, user_id: int, *, info: RequestInfo, **which: Any) -> None:
        """End matching sessions of an account, and mark these and those that had already ended as not the owner's."""
        await self.end(tx, user_id=user_id, reason=DISOWNED, info=info, **which)
        await Sessions(tx).disown(user_id, **which)

    async def end(
        self,
        tx: Transaction,
        *,
        reason: str,
        info: RequestInfo | None = None,
        user_id: int | None = None,
        session_id: int | None = None,
        after: datetime | None = None,
        device: str | None = None,
        keep: int | None = None,
    ) -> Sequence[Session]:
        """End the sessions that match all arguments, in the caller's transaction; return those that ended.

        `after` selects sessions created after a time; their ids are random and have no order.
        """
        now = self._clock.now()
        ended = await Sessions(tx).end(
            now=now, reason=reason, user_id=user_id, session_id=session_id, after=after, device=device, keep=keep
        )
        await self._feed.revoke_sessions(tx, ended)
        for session in ended:
            record(
                tx, AuditEvent.SESSION_ENDED, at=now, user_id=session.user_id, session_id=session.id,
                info=info, details={"reason": reason},
            )  # fmt: skip
        return ended
