"""Revocation that holds at once, without a query on each request.

What ends a session, or makes an account's access tokens stale, appends to the revocation feed in its own
transaction. Each worker keeps the live part of the feed in memory, knows its own lines when they are committed, and
reads those of other workers every second.
"""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import delete, select, update

from gatepost.access.principal import Principal
from gatepost.accounts.models import User
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, after_commit
from gatepost.sessions.errors import RevocationUnknown, TokenRevoked, TokenStale
from gatepost.sessions.models import Revocation, Session
from gatepost.sessions.repository import Sessions

# Ids are given in one order and committed in another; no transaction of ours is open for nearly this long.
OVERLAP = timedelta(seconds=60)


class RevocationFeed:
    """What was revoked and could still be presented, in memory; the database has the same and more."""

    def __init__(self, database: Database, clock: Clock, *, max_staleness: timedelta) -> None:
        self._db = database
        self._clock = clock
        self._max_staleness = max_staleness
        self._ended: dict[int, datetime] = {}
        self._oldest_version: dict[int, tuple[int, datetime]] = {}
        # Lines up to this id are all committed and in memory.
        self._settled_id = 0
        self._forget_at = clock.now() + OVERLAP
        self._read_at: datetime | None = None

    def check(self, principal: Principal) -> None:
        """Let a principal pass whose session goes on and whose account is as its token says.

        Raises:
            TokenRevoked: the session has ended.
            TokenStale: the account has changed since.
            RevocationUnknown: the feed has not been read for too long.
        """
        if self.is_stale():
            raise RevocationUnknown
        if principal.session_id in self._ended:
            raise TokenRevoked
        oldest = self._oldest_version.get(principal.user_id)
        if oldest is not None and principal.token_version < oldest[0]:
            raise TokenStale

    def is_stale(self) -> bool:
        """Whether the feed has not been read for longer than it may."""
        return self._read_at is None or self._clock.now() - self._read_at > self._max_staleness

    async def revoke_session(self, tx: Transaction, session: Session) -> None:
        """Revoke the access tokens of a session that has just ended in this transaction."""
        line = Revocation(
            session_id=session.id,
            user_id=session.user_id,
            created_at=self._clock.now(),
            expires_at=session.access_expires_at,
        )
        tx.add(line)
        after_commit(tx, partial(self._note, line))

    async def revoke_account(self, tx: Transaction, user_id: int) -> None:
        """Make every access token of an account stale; refresh tokens go on unless their sessions are ended."""
        await tx.execute(
            update(User)
            .where(User.id == user_id)
            .values(token_version=User.token_version + 1)
            .execution_options(synchronize_session=False)
        )
        version = await tx.scalar(select(User.token_version).where(User.id == user_id))
        last_use = await Sessions(tx).last_access_token_ends(user_id)
        if version is None or last_use is None:
            return
        line = Revocation(
            user_id=user_id,
            min_token_version=version,
            created_at=self._clock.now(),
            expires_at=last_use,
        )
        tx.add(line)
        after_commit(tx, partial(self._note, line))

    async def poll(self) -> None:
        """Read what was revoked since the last time, and forget what has expired."""
        asked_at = self._clock.now()
        query = select(Revocation).where(Revocation.id > self._settled_id, Revocation.expires_at > asked_at)
        async with self._db.read() as tx:
            lines = (await tx.scalars(query)).all()
        for line in lines:
            self._note(line)
            if line.created_at <= asked_at - OVERLAP:
                self._settled_id = max(self._settled_id, line.id)
        self._read_at = asked_at
        if asked_at >= self._forget_at:
            self._forget(asked_at)

    async def purge(self, *, batch: int = 1000) -> int:
        """Delete up to `batch` lines whose access tokens have all expired; return how many went."""
        async with self._db.begin() as tx:
            expired = select(Revocation.id).where(Revocation.expires_at <= self._clock.now()).limit(batch)
            ids = (await tx.scalars(expired)).all()
            if ids:
                await tx.execute(delete(Revocation).where(Revocation.id.in_(ids)))
        return len(ids)

    def _note(self, line: Revocation) -> None:
        if line.min_token_version is not None and line.user_id is not None:
            version, expires_at = self._oldest_version.get(line.user_id, (0, line.expires_at))
            self._oldest_version[line.user_id] = (
                max(version, line.min_token_version),
                max(expires_at, line.expires_at),
            )
        elif line.session_id is not None:
            self._ended[line.session_id] = line.expires_at

    def _forget(self, now: datetime) -> None:
        self._ended = {key: end for key, end in self._ended.items() if end > now}
        self._oldest_version = {key: pair for key, pair in self._oldest_version.items() if pair[1] > now}
        self._forget_at = now + OVERLAP
