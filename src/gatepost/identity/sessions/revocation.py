"""Immediate revocation without a query on each request.

Whatever ends a session, or makes an account's access tokens stale, appends an entry to the revocation feed in the same
transaction. Each worker keeps the live entries in memory, adds its own when they are committed, and reads those of
other workers every second.
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
# Per account; if more of its sessions end within the life of an access token, its token version is increased instead.
MOST_SESSION_LINES = 50
SAID = ("id", "session_id", "user_id", "min_token_version", "random_id", "issued_before", "expires_at")
LINE = (*(getattr(Revocation, name) for name in SAID), Revocation.created_at)


class RevocationFeed:
    """The revocation feed: written to the database, checked in memory."""

    def __init__(
        self, database: Database, clock: Clock, *, access_token_life: timedelta, max_staleness: timedelta
    ) -> None:
        self._db = database
        self._clock = clock
        self._access_token_life = access_token_life
        self._revoked = RevocationList(max_staleness=max_staleness)
        # All entries up to this id are committed and in memory.
        self._settled_id = 0
        # The last entry of each recent reading with its time; entries before it may still be committed late.
        self._unsettled: deque[tuple[timedelta, int]] = deque()
        self.anchor: RevocationEntry | None = None
        """The last settled entry that lives for a while. The next reading starts with it, and it must still exist."""
        self._changed = asyncio.Event()

    def check(self, principal: Principal, *, now: datetime) -> None:
        """Check that the token of a principal has not been revoked.

        Raises:
            TokenRevoked: the session has ended.
            TokenStale: the account has changed since the token was issued.
            RevocationUnknown: the feed has not been read for too long.
        """
        self._revoked.check(principal, now=now)

    def is_stale(self) -> bool:
        """Whether the feed has not been read for longer than allowed."""
        return self._revoked.is_stale(now=self._clock.now())

    def age_seconds(self) -> float:
        """Return how long ago the feed was read; 0 before the first reading."""
        return self._revoked.age_seconds(now=self._clock.now())

    def lines_after(self, line_id: int) -> list[RevocationEntry]:
        """Return the live entries with greater ids, in the order in which they were received."""
        return self._revoked.lines_after(line_id)

    def lines_for(self, after: int, *, mark: str | None) -> tuple[list[RevocationEntry], bool]:
        """Return the entries for a reader that has all up to `after`, and whether they are the whole feed.

        They are if the entry at `after` does not match the reader's `mark`: the database was restored to an earlier
        state. Without a mark, that is only noticed if the feed has no entry at or after that id.
        """
        known, lines = self._revoked.get(after), self._revoked.lines_after(after)
        has_mark = not mark or (known is not None and known.mark == mark)
        is_ahead = known is None and not lines
        return (self._revoked.lines_after(0), True) if not after or is_ahead or not has_mark else (lines, False)

    async def wait_for_change(self, seconds: float) -> None:
        """Wait until an entry is received, or until the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def revoke_sessions(self, tx: Transaction, sessions: Sequence[Session]) -> None:
        """Revoke the access tokens of sessions that have just ended in this transaction.

        If very many sessions of an account end, all of its access tokens become stale instead, which needs only one
        entry; its other sessions have to refresh once.
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
        """Revoke an access token whose session was lost in a restore, so that there is no row to end.

        Returns whether that is so; if it is, the token is revoked from now on.
        """
        if await Sessions(tx).get(principal.session_id) is not None:
            return False
        lost = {"session_id": principal.session_id, "expires_at": principal.expires_at}
        if not self._revoked.is_ended(principal.session_id):
            await self._append(tx, Revocation(**lost, created_at=self._clock.now()))
        return True

    async def revoke_account(self, tx: Transaction, user_id: int) -> None:
        """Make all access tokens of an account stale; its sessions and their refresh tokens stay valid."""
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
        """Make all access tokens of these accounts stale; accounts that are not signed in need no entry."""
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
        """Announce to which accounts these ids belong, because a restored database may have reused them."""
        now = self._clock.now()
        lines = [
            Revocation(user_id=user.id, random_id=user.random_id, created_at=now, expires_at=self.end_of_tokens(now))
            for user in users
        ]
        await self._append(tx, *lines)

    async def revoke_all(self, tx: Transaction, *, line_id: int | None = None) -> int:
        """Revoke all access tokens issued before now, with an entry with this id or the next one; return its id."""
        now = self._clock.now()
        line = Revocation(id=line_id, issued_before=now, created_at=now, expires_at=self.end_of_tokens(now))
        await self._append(tx, line)
        return line.id

    async def poll(self) -> None:
        """Read the revocations since the last reading; all of them if the database was restored to an earlier state."""
        asked_at, elapsed = self._clock.now(), self._clock.elapsed()
        self._choose_anchor(living_at=asked_at + OVERLAP)
        first_id = 0 if self.anchor is None else self.anchor.id
        # An entry that is no longer recent and is missing was rolled back together with its cause.
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
        """Delete up to `batch` entries whose access tokens have all expired; return how many."""
        async with self._db.begin() as tx:
            # Expired for all replicas, even for one whose clock is slow.
            ended = self._clock.now() - CLOCKS_APART
            expired = select(Revocation.id).where(Revocation.expires_at <= ended).limit(batch)
            ids = (await tx.scalars(expired)).all()
            if ids:
                await tx.execute(delete(Revocation).where(Revocation.id.in_(ids)))
        return len(ids)

    async def _read(
        self, anchor: RevocationEntry | None, unseen: set[int], *, asked_at: datetime, elapsed: timedelta
    ) -> bool:
        """Read the live entries from the anchor on; if the anchor is missing, read nothing and return False.

        Entries that exist are removed from `unseen`.
        """
        settled, after, is_more = self._settled_by(elapsed), 0 if anchor is None else anchor.id - 1, True
        while is_more:
            # At the start this reads all live entries: in pages, each well within the timeout of a transaction.
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
        """Choose the last settled entry that expires after a time, or keep the current one if it does."""
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
        """Return when all access tokens with outdated content will have expired."""
        # A refresh in progress, on a replica whose clock is fast, may still issue one with the old version.
        return now + self._access_token_life + OVERLAP + CLOCKS_APART

    def _settled_by(self, elapsed: timedelta) -> int:
        """Return the last entry of a reading that is so old that all transactions open at that time have ended.

        This uses the elapsed time of this process, because writers' clocks may differ. For old entries, as at the
        start, the writer's time is good enough.
        """
        settled = 0
        while self._unsettled and self._unsettled[0][0] <= elapsed - OVERLAP:
            settled = self._unsettled.popleft()[1]
        return settled

    async def _outdo(self, tx: Transaction, user_ids: Sequence[int]) -> None:
        """Delete the entries for earlier versions of accounts; this transaction adds newer ones."""
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
    # A malformed entry, written by another program, must not prevent reading the later ones.
    numbers = (row.session_id, row.user_id, row.min_token_version)
    return all(number is None or isinstance(number, int) for number in numbers)


def _line(row: Revocation | Row[*tuple[Any, ...]]) -> RevocationEntry:
    return RevocationEntry(**{name: getattr(row, name) for name in SAID})
