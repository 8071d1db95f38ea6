"""What was revoked and could still be presented, in memory: the rule that the service and other services share."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepost.access.principal import Principal
from gatepost.sessions.errors import RevocationUnknown, TokenRevoked, TokenStale

FORGET_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RevocationLine:
    """One line of the feed: a session has ended, or the access tokens of an account below a version are stale.

    It matters until `expires_at`, when every access token that it concerns has expired.
    """

    id: int
    session_id: int | None
    user_id: int | None
    min_token_version: int | None
    expires_at: datetime


class RevokedTokens:
    """The live lines of the feed, ready to be asked on every request."""

    def __init__(self, *, max_staleness: timedelta) -> None:
        self._max_staleness = max_staleness
        self._lines: dict[int, RevocationLine] = {}
        self._ended: set[int] = set()
        self._oldest_version: dict[int, int] = {}
        self._read_at: datetime | None = None
        self._forgot_at: datetime | None = None

    def check(self, principal: Principal, *, now: datetime) -> None:
        """Let a principal pass whose session goes on and whose account is as its token says.

        Raises:
            TokenRevoked: the session has ended.
            TokenStale: the account has changed since.
            RevocationUnknown: the feed has not been read for too long.
        """
        if self.is_stale(now=now):
            raise RevocationUnknown
        if principal.session_id in self._ended:
            raise TokenRevoked
        if principal.token_version < self._oldest_version.get(principal.user_id, 0):
            raise TokenStale

    def is_stale(self, *, now: datetime) -> bool:
        """Whether the feed has not been read for longer than it may."""
        return self._read_at is None or now - self._read_at > self._max_staleness

    def age_seconds(self, *, now: datetime) -> float:
        """Return how long ago the feed was read; 0 before the first time."""
        return (now - self._read_at).total_seconds() if self._read_at is not None else 0.0

    def note(self, line: RevocationLine) -> bool:
        """Take a line in; return whether it was new."""
        if self._lines.get(line.id) == line:
            return False
        self._lines[line.id] = line
        self._index(line)
        return True

    def mark_read(self, *, at: datetime) -> None:
        """Remember when the feed was read; now and then, forget what has expired."""
        self._read_at = at
        if self._forgot_at is None or at - self._forgot_at >= FORGET_EVERY:
            self._forgot_at = at
            self._forget(at)

    def lines_after(self, line_id: int) -> list[RevocationLine]:
        """Return the live lines with greater ids, in order."""
        return sorted((line for line in self._lines.values() if line.id > line_id), key=lambda line: line.id)

    def _index(self, line: RevocationLine) -> None:
        if line.min_token_version is not None and line.user_id is not None:
            known = self._oldest_version.get(line.user_id, 0)
            self._oldest_version[line.user_id] = max(known, line.min_token_version)
        elif line.session_id is not None:
            self._ended.add(line.session_id)

    def _forget(self, now: datetime) -> None:
        live = {line.id: line for line in self._lines.values() if line.expires_at > now}
        if len(live) == len(self._lines):
            return
        self._lines, self._ended, self._oldest_version = live, set(), {}
        for line in live.values():
            self._index(line)
