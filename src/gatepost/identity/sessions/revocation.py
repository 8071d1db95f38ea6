"""Revocation that holds at once, without a query on each request.

What ends a session, or makes an account's access tokens stale, appends to the revocation feed in its own
transaction. Each worker keeps the live part of the feed in memory, knows its own lines when they are committed, and
reads those of other workers every second.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, delete, select, update

from gatepost.core.clock import CLOCKS_APART, Clock
from gatepost.core.db.database import Database, Transaction, after_commit, retry_conflicts
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Revocation, Session
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.tokens.principal import Principal
from gatepost.identity.tokens.revocation_list import OVERLAP, RevocationEntry, RevocationList

PAGE_LINES = 5000
# Of one account; where more of its sessions end in the life of an access token, its version goes up instead.
MOST_SESSION_LINES = 50
SAID = ("id", "session_id", "user_id", "min_token_version", "random_id", "issued_before", "expires_at")
LINE = (*(getattr(Revocation, name) for name in SAID), Revocation.created_at)


class RevocationFeed:
    """The revocation feed: appended to in the database, asked in memory."""

    def __init__(
        self, database: Database, clock: Clock, *, access_token_life: timedelta, max_staleness: timedelta
    ) -> None:
        self._db = database
        self._clock = clock
        self._access_token_life = access_token_life
        self._revoked = RevocationList(max_staleness=max_staleness)
        # Lines up to this id are all committed and in memory.
        self._settled_id = 0
        # The last line of a reading, and when that was: what it must still be read again for.
        self._unsettled: deque[tuple[timedelta, int]] = deque()
        self.anchor: RevocationEntry | None = None
        """The last settled line that lives for a while: the next reading begins with it, and it must still be there."""
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

    def lines_after(self, line_id: int) -> list[RevocationEntry]:
        """Return the live lines with greater ids, in the order in which they came in."""
        return self._revoked.lines_after(line_id)

    def lines_for(self, after: int, *, mark: str | None) -> tuple[list[RevocationEntry], bool]:
        """Return what a reader has to know that has all lines up to one, and whether that is the whole feed.

        It is where the feed has another line there than the one that the reader knows by its mark: the database was
        put back to an earlier state since. Who has no mark is only noticed where that line is to come.
        """
        known, lines = self._revoked.get(after), self._revoked.lines_after(after)
        has_mark = not mark or (known is not None and known.mark == mark)
        is_ahead = known is None and not lines
        return (self._revoked.lines_after(0), True) if not after or is_ahead or not has_mark else (lines, False)

    async def wait_for_change(self, seconds: float) -> None:
        """Return when a line comes in, or after this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def revoke_sessions(self, tx: Transaction, sessions: Sequence[Session]) -> None:
        """Revoke the access tokens of sessions that have just ended in this transaction.

        Where very many of an account end, all of its access tokens become stale instead: that is one line for them
        all, and sessions of it that go on refresh once.
        """
        now = self._clock.now()
        crowds = {
            user_id
            for user_id, count in Counter(session.user_id for session in sessions).items()
            if self._revoked.ended_of(user_id) + count > MOST_SESSION_LINES
        }
        for user_id in sorted(crowds):
            await self.revoke_account(tx, user_id)
        lines = [
            Revocation(
                session_id=session.id, user_id=session.user_id, created_at=now, expires_at=session.access_expires_at
            )
            for session in sessions
            if session.user_id not in crowds
        ]
        await self._append(tx, *lines)

    async def revoke_lost(self, tx: Transaction, principal: Principal) -> bool:
        """Revoke an access token whose session a restore has undone: no row is left that could end.

        Returns whether it is one; then it is revoked from now on.
        """
        if await Sessions(tx).get(principal.session_id) is not None:
            return False
        lost = {"session_id": principal.session_id, "expires_at": principal.expires_at}
        if not self._revoked.is_ended(principal.session_id):
            await self._append(tx, Revocation(**lost, created_at=self._clock.now()))
        return True

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
        await self._outdo(tx, [user_id])
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
        await self._outdo(tx, list(ends))
        await self._append(tx, *lines)

    async def announce(self, tx: Transaction, users: Sequence[User]) -> None:
        """Tell whose numbers these are from now on: a restored database may give one that was another account's."""
        now = self._clock.now()
        lines = [
            Revocation(user_id=user.id, random_id=user.random_id, created_at=now, expires_at=self.end_of_tokens(now))
            for user in users
        ]
        await self._append(tx, *lines)

    async def revoke_all(self, tx: Transaction, *, line_id: int | None = None) -> int:
        """Revoke every access token that was issued before now, by a line with this id or the next one; return it."""
        now = self._clock.now()
        line = Revocation(id=line_id, issued_before=now, created_at=now, expires_at=self.end_of_tokens(now))
        await self._append(tx, line)
        return line.id

    async def poll(self) -> None:
        """Read what was revoked since the last time; all of it, where the database was put back to an earlier state."""
        asked_at, elapsed = self._clock.now(), self._clock.elapsed()
        self._choose_anchor(living_at=asked_at + OVERLAP)
        first_id = 0 if self.anchor is None else self.anchor.id
        # A line that is young no more, and is not there, was undone with what it tells of.
        unseen = {line_id for line_id in self._revoked.young() if line_id >= first_id}
        if not await self._read(self.anchor, unseen, asked_at=asked_at, elapsed=elapsed):
            self._settled_id, self._unsettled, self.anchor = 0, deque(), None
            unseen = self._revoked.ids()
            await self._read(None, unseen, asked_at=asked_at, elapsed=elapsed)
        self._revoked.drop(unseen, elapsed=elapsed)
        self._choose_anchor(living_at=asked_at + OVERLAP)
        self._revoked.mark_read(at=asked_at, elapsed=elapsed)

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

    async def _read(
        self, anchor: RevocationEntry | None, unseen: set[int], *, asked_at: datetime, elapsed: timedelta
    ) -> bool:
        """Take in the live lines from the anchor on; False, and no line taken in, where it is not there any more.

        The lines that are there are taken out of `unseen`.
        """
        settled, after, is_more = self._settled_by(elapsed), 0 if anchor is None else anchor.id - 1, True
        while is_more:
            # At a start all that is live: in pages, each well within the time of a transaction.
            query = select(*LINE).where(Revocation.id > after, Revocation.expires_at > asked_at)
            async with self._db.read() as tx:
                rows = (await tx.execute(query.order_by(Revocation.id).limit(PAGE_LINES))).all()
            if anchor is not None and (not rows or _line(rows[0]) != anchor):
                return False
            anchor = None
            for row in rows:
                if not _is_readable(row):
                    continue
                is_young = row.created_at > asked_at - OVERLAP - CLOCKS_APART
                self._note(row, elapsed=elapsed if is_young else None)
                settled = settled if is_young else max(settled, row.id)
                unseen.discard(row.id)
            is_more = len(rows) == PAGE_LINES
            after = rows[-1].id if rows else after
        self._settled_id = max(self._settled_id, settled)
        if after > self._settled_id:
            self._unsettled.append((elapsed, after))
        return True

    def _choose_anchor(self, *, living_at: datetime) -> None:
        """Take the last settled line that lives beyond a moment, or stay with one that does."""
        last = self._revoked.get(self._settled_id)
        if last is not None and last.expires_at > living_at:
            self.anchor = last
        elif (
            self.anchor is None
            or self.anchor.expires_at <= living_at
            or self._revoked.get(self.anchor.id) != self.anchor
        ):
            self.anchor = self._revoked.last_until(self._settled_id, living_at=living_at)

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

    async def _outdo(self, tx: Transaction, user_ids: Sequence[int]) -> None:
        """Take the lines of earlier versions of accounts out of the feed; a newer one is in this transaction."""
        if not user_ids:
            return
        older = delete(Revocation).where(Revocation.user_id.in_(user_ids), Revocation.min_token_version.is_not(None))
        await tx.execute(older.execution_options(synchronize_session=False))

    async def _append(self, tx: Transaction, *lines: Revocation) -> None:
        tx.add_all(lines)
        await tx.flush()
        for line in lines:
            after_commit(tx, partial(self._note_own, line))

    def _note_own(self, line: Revocation) -> None:
        self._note(line, elapsed=self._clock.elapsed())

    def _note(self, line: Revocation | Row[*tuple[Any, ...]], *, elapsed: timedelta | None) -> None:
        if self._revoked.note(_line(line), elapsed=elapsed):
            self._changed.set()
            self._changed = asyncio.Event()


def _is_readable(row: Row[*tuple[Any, ...]]) -> bool:
    # A line that other hands have written must not keep anybody from reading those after it.
    numbers = (row.session_id, row.user_id, row.min_token_version)
    return all(number is None or isinstance(number, int) for number in numbers)


def _line(row: Revocation | Row[*tuple[Any, ...]]) -> RevocationEntry:
    return RevocationEntry(**{name: getattr(row, name) for name in SAID})
