"""The live revocations in memory, and the check against them, which the service and the SDK share."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepost.identity.tokens.errors import RevocationUnknown, TokenRevoked, TokenStale
from gatepost.identity.tokens.principal import Principal, UserPrincipal

FORGET_EVERY = timedelta(minutes=1)
# Ids may be committed in another order than they were assigned; none of our transactions is open for nearly this long.
OVERLAP = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationEntry:
    """One entry of the feed. It matters until `expires_at`, when all access tokens that it concerns have expired.

    It says one of four things: a session has ended; the access tokens of an account below a version are stale; an
    account id belongs to the account with this random id, and to no other; tokens issued before a time are revoked.
    """

    id: int
    session_id: int | None = None
    user_id: int | None = None
    min_token_version: int | None = None
    random_id: str | None = None
    issued_before: datetime | None = None
    expires_at: datetime

    @property
    def mark(self) -> str:
        """A digest of the entry, which distinguishes it from another one with the same id after a restore."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


class RevocationList:
    """The live entries of the feed, indexed for the check on every request."""

    def __init__(self, *, max_staleness: timedelta) -> None:
        self._max_staleness = max_staleness
        # In the order in which they were received.
        self._lines: dict[int, RevocationEntry] = {}
        self._ended: set[int] = set()
        self._ended_of: Counter[int] = Counter()
        self._oldest_version: dict[int, tuple[int, RevocationEntry]] = {}
        self._random_ids: dict[int, str] = {}
        self._issued_before: datetime | None = None
        # When recent entries were received, in the reader's elapsed time.
        self._young: dict[int, timedelta] = {}
        self._read_at: datetime | None = None
        self._read_elapsed = timedelta.min
        self._forgot_at: datetime | None = None

    def check(self, principal: Principal, *, now: datetime) -> None:
        """Check that the token of a principal has not been revoked.

        Raises:
            TokenRevoked: the session has ended, or the account's id now belongs to another account.
            TokenStale: the account has changed since the token was issued.
            RevocationUnknown: the feed has not been read for too long.
        """
        if self.is_stale(now=now):
            raise RevocationUnknown
        if principal.session_id in self._ended:
            raise TokenRevoked
        if self._issued_before is not None and principal.issued_at < self._issued_before:
            raise TokenRevoked
        if not isinstance(principal, UserPrincipal):
            return
        if self._random_ids.get(principal.user_id, principal.random_id) != principal.random_id:
            raise TokenRevoked
        oldest = self._oldest_version.get(principal.user_id)
        if oldest is not None and principal.token_version < oldest[0]:
            raise TokenStale

    def is_stale(self, *, now: datetime) -> bool:
        """Whether the feed has not been read for longer than allowed."""
        return self._read_at is None or now - self._read_at > self._max_staleness

    def age_seconds(self, *, now: datetime) -> float:
        """Return how long ago the feed was read; 0 before the first reading."""
        return (now - self._read_at).total_seconds() if self._read_at is not None else 0.0

    def is_ended(self, session_id: int) -> bool:
        """Whether an entry says that the session has ended."""
        return session_id in self._ended

    def ended_of(self, user_id: int) -> int:
        """Return the number of entries for ended sessions of an account."""
        return self._ended_of[user_id]

    def get(self, line_id: int) -> RevocationEntry | None:
        """Return an entry by id."""
        return self._lines.get(line_id)

    def ids(self) -> set[int]:
        """Return the ids of all entries."""
        return set(self._lines)

    def young(self) -> set[int]:
        """Return the ids of the entries that were received recently, within `OVERLAP`."""
        return set(self._young)

    def note(self, line: RevocationEntry, *, elapsed: timedelta | None) -> bool:
        """Add an entry; return whether it was new. `elapsed` is the reader's elapsed time, None for an old entry."""
        known = self._lines.get(line.id)
        if known == line or self._is_outdone(line):
            return False
        if elapsed is not None:
            self._young[line.id] = elapsed
        if known is None:
            self._lines[line.id] = line
            self._index(line)
        else:  # the database was restored and has reused the id
            del self._lines[line.id]
            self._lines[line.id] = line
            self._index_all()
        return True

    def replace(self, lines: Collection[RevocationEntry], *, elapsed: timedelta) -> None:
        """Replace all entries by these."""
        for line in lines:
            self.note(line, elapsed=elapsed)
        self.drop(self.ids().difference(line.id for line in lines), elapsed=elapsed)

    def drop(self, ids: Iterable[int], *, elapsed: timedelta) -> None:
        """Remove entries that are no longer in the feed, except recent ones: the replica that answered may lag."""
        gone = [line_id for line_id in ids if line_id in self._lines and self._is_old(line_id, elapsed)]
        for line_id in gone:
            del self._lines[line_id]
        if gone:
            self._index_all()

    def mark_read(self, *, at: datetime, elapsed: timedelta) -> None:
        """Remember when the feed was read, and remove expired entries from time to time.

        Of two concurrent readings, the one that started first but ended last is ignored.
        """
        if elapsed < self._read_elapsed:
            return
        self._read_at, self._read_elapsed = at, elapsed
        self._young = {line_id: noted for line_id, noted in self._young.items() if noted > elapsed - OVERLAP}
        if self._forgot_at is None or at - self._forgot_at >= FORGET_EVERY:
            self._forgot_at = at
            expired = [line.id for line in self._lines.values() if line.expires_at <= at]
            for line_id in expired:
                del self._lines[line_id]
            if expired:
                self._index_all()

    def lines_after(self, line_id: int) -> list[RevocationEntry]:
        """Return the live entries with greater ids, in the order in which they were received.

        It differs from the order of the ids for entries that were committed late or after a restore; for those, the
        order of receipt is the correct one.
        """
        return [line for line in self._lines.values() if line.id > line_id]

    def last_until(self, line_id: int, *, living_at: datetime) -> RevocationEntry | None:
        """Return the entry with the greatest id up to this one that expires after a time."""
        lines = (line for line in self._lines.values() if line.id <= line_id and line.expires_at > living_at)
        return max(lines, key=lambda line: line.id, default=None)

    def _is_old(self, line_id: int, elapsed: timedelta) -> bool:
        noted = self._young.get(line_id)
        return noted is None or noted <= elapsed - OVERLAP

    def _is_outdone(self, line: RevocationEntry) -> bool:
        """Whether another entry makes at least the same tokens stale, for at least as long."""
        if line.user_id is None or line.min_token_version is None:
            return False
        version, newest = self._oldest_version.get(line.user_id, (-1, line))
        return version >= line.min_token_version and newest.expires_at >= line.expires_at and newest.id != line.id

    def _index_all(self) -> None:
        self._ended, self._ended_of, self._oldest_version, self._random_ids = set(), Counter(), {}, {}
        self._issued_before = None
        for line in list(self._lines.values()):
            self._index(line)

    def _index(self, line: RevocationEntry) -> None:
        if line.session_id is not None:
            self._ended.add(line.session_id)
            if line.user_id is not None:
                self._ended_of[line.user_id] += 1
        elif line.user_id is not None and line.min_token_version is not None:
            self._index_version(line.user_id, line.min_token_version, line)
        elif line.user_id is not None and line.random_id is not None:
            self._random_ids[line.user_id] = line.random_id
        elif line.issued_before is not None:
            self._issued_before = max(line.issued_before, self._issued_before or line.issued_before)

    def _index_version(self, user_id: int, version: int, line: RevocationEntry) -> None:
        """Remember the highest version of an account; its entry replaces the former one if it lives as long."""
        known, newest = self._oldest_version.get(user_id, (-1, None))
        if version < known:
            return
        self._oldest_version[user_id] = version, line
        if newest is not None and newest.expires_at <= line.expires_at and newest.id != line.id:
            self._lines.pop(newest.id, None)
