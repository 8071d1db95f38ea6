"""Revocation that holds at once, without a query on each request.

What ends a session, or makes an account's access tokens stale, appends to the revocation feed in its own
transaction. Each worker keeps the live part of the feed in memory, knows its own lines when they are committed, and
reads those of other workers every second.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, delete, select, update

from gatepost.access.principal import Principal
from gatepost.access.revoked import RevocationLine, RevokedTokens
from gatepost.accounts.models import User
from gatepost.core.clock import CLOCKS_APART, Clock
from gatepost.core.database import Database, Transaction, after_commit, retry_conflicts
from gatepost.sessions.models import Revocation, Session
from gatepost.sessions.repository import Sessions

# Ids are given in one order and committed in another; no transaction of ours is open for nearly this long.
OVERLAP = timedelta(seconds=60)
PAGE_LINES = 5000
LINE = (
    Revocation.id,
    Revocation.session_id,
    Revocation.user_id,
    Revocation.min_token_version,
    Revocation.created_at,
    Revocation.expires_at,
)


class RevocationFeed:
    """The revocation feed: appended to in the database, asked in memory."""

    def __init__(
        self, database: Database, clock: Clock, *, access_token_life: timedelta, max_staleness: timedelta
    ) -> None:
        self._db = database
        self._clock = clock
        self._access_token_life = access_token_life
        self._revoked = RevokedTokens(max_staleness=max_staleness)
        # Lines up to this id are all committed and in memory.
        self.settled_id = 0
        # The last line of a reading, and when that was: what it must still be read again for.
        self._unsettled: deque[tuple[timedelta, int]] = deque()
        self._changed = asyncio.Event()

    def check(self, principal: Principal, *, now: datetime) -> None:
        """Let a principal pass whose session goes on and whose account is as its token says.

        Raises:
            TokenRevoked: the session has ended.
            TokenStale: the account has changed since.
            RevocationUnknown: the feed has not been read for too long.
        """
        self._revoked.check(principal, now=now)

    def is_stale(self) -> bool:
        """Whether the feed has not been read for longer than it may."""
        return self._revoked.is_stale(now=self._clock.now())

    def age_seconds(self) -> float:
        """Return how long ago the feed was read; 0 before the first time."""
        return self._revoked.age_seconds(now=self._clock.now())

    def lines_after(self, line_id: int) -> list[RevocationLine]:
        """Return the live lines with greater ids, in order."""
        return self._revoked.lines_after(line_id)

    async def wait_for_change(self, seconds: float) -> None:
        """Return when a line comes in, or after this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def revoke_session(self, tx: Transaction, session: Session) -> None:
        """Revoke the access tokens of a session that has just ended in this transaction."""
        await self._append(
            tx,
            Revocation(
                session_id=session.id,
                user_id=session.user_id,
                created_at=self._clock.now(),
                expires_at=session.access_expires_at,
            ),
        )

    async def revoke_account(self, tx: Transaction, user_id: int) -> None:
        """Make every access token of an account stale; refresh tokens go on unless their sessions are ended."""
        await tx.execute(
            update(User)
            .where(User.id == user_id)
            .values(token_version=User.token_version + 1)
            .execution_options(synchronize_session=False)
        )
        version = await tx.scalar(select(User.token_version).where(User.id == user_id))
        now = self._clock.now()
        latest = self.end_of_tokens(now)
        known = await Sessions(tx).last_access_token_ends(user_id)
        await self._append(
            tx,
            Revocation(
                user_id=user_id,
                min_token_version=version,
                created_at=now,
                expires_at=max(latest, known or latest),
            ),
        )

    async def revoke_accounts(self, tx: Transaction, user_ids: Sequence[int]) -> None:
        """Make every access token of these accounts stale; who is not signed in has none, and needs no line."""
        await tx.execute(
            update(User)
            .where(User.id.in_(user_ids))
            .values(token_version=User.token_version + 1)
            .execution_options(synchronize_session=False)
        )
        now = self._clock.now()
        latest = self.end_of_tokens(now)
        ends = await Sessions(tx).live_access_token_ends(user_ids, now=now - CLOCKS_APART)
        versions = select(User.id, User.token_version).where(User.id.in_(ends))
        lines = [
            Revocation(
                user_id=user_id, min_token_version=version, created_at=now, expires_at=max(latest, ends[user_id])
            )
            for user_id, version in (await tx.execute(versions))
        ]
        await self._append(tx, *lines)

    async def poll(self) -> None:
        """Read what was revoked since the last time."""
        asked_at, elapsed = self._clock.now(), self._clock.elapsed()
        settled, after, is_more = self._settled_by(elapsed), self.settled_id, True
        while is_more:
            # At a start all that is live: in pages, each well within the time of a transaction.
            query = select(*LINE).where(Revocation.id > after, Revocation.expires_at > asked_at)
            async with self._db.read() as tx:
                rows = (await tx.execute(query.order_by(Revocation.id).limit(PAGE_LINES))).all()
            for row in rows:
                self._note(row)
                if row.created_at <= asked_at - OVERLAP - CLOCKS_APART:
                    settled = max(settled, row.id)
            is_more = len(rows) == PAGE_LINES
            after = rows[-1].id if rows else after
        self.settled_id = max(self.settled_id, settled)
        if after > self.settled_id:
            self._unsettled.append((elapsed, after))
        self._revoked.mark_read(at=asked_at)

    @retry_conflicts
    async def purge(self, *, batch: int = 1000) -> int:
        """Delete up to `batch` lines whose access tokens have all expired; return how many went."""
        async with self._db.begin() as tx:
            # Gone for every replica, also for one whose clock is late.
            ended = self._clock.now() - CLOCKS_APART
            expired = select(Revocation.id).where(Revocation.expires_at <= ended).limit(batch)
            ids = (await tx.scalars(expired)).all()
            if ids:
                await tx.execute(delete(Revocation).where(Revocation.id.in_(ids)))
        return len(ids)

    def end_of_tokens(self, now: datetime) -> datetime:
        """Return when the last access token that tells of things as they were until now has expired."""
        # A refresh that is under way, on a replica whose clock is ahead, may still issue one more of the old version.
        return now + self._access_token_life + OVERLAP + CLOCKS_APART

    def _settled_by(self, elapsed: timedelta) -> int:
        """Return the last line that a reading saw so long ago that what was open then has ended.

        It is told by this process's own watch: who wrote a line may have had another time. Where many lines are old,
        as at a start, the writer's is good enough.
        """
        settled = 0
        while self._unsettled and self._unsettled[0][0] <= elapsed - OVERLAP:
            settled = self._unsettled.popleft()[1]
        return settled

    async def _append(self, tx: Transaction, *lines: Revocation) -> None:
        tx.add_all(lines)
        await tx.flush()
        for line in lines:
            after_commit(tx, partial(self._note, line))

    def _note(self, line: Revocation | Row[*tuple[Any, ...]]) -> None:
        is_new = self._revoked.note(
            RevocationLine(
                id=line.id,
                session_id=line.session_id,
                user_id=line.user_id,
                min_token_version=line.min_token_version,
                expires_at=line.expires_at,
            )
        )
        if is_new:
            self._changed.set()
            self._changed = asyncio.Event()
