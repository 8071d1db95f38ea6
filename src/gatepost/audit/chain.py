"""The hash chain: what of an entry and of a seal is digested, exactly, and under which keys.

Every digest is HMAC-SHA256 (RFC 2104) in hex, over canonical JSON: keys sorted, no white space, ASCII alone, moments as
`2026-01-31T12:00:00.123456+00:00`.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy.engine import RowMapping

# 128 bits of an entry's digest are kept in its seal.
ENTRY_DIGITS = 32
KEY_BYTES = 32
SEAL_ID_BYTES = 8
# As we write a moment into SQLite. What else could be read as one may be shown as another one.
STORED_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{6}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
# No details of ours are as deep. What is deeper may be read, and then not be written again to be digested.
DEEPEST = 50

Row = Mapping[str, Any] | RowMapping
Content = Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Link:
    """What the digest of a seal covers; `previous` is the digest of the seal before, empty for the first one."""

    id: int
    sealed_at: str
    entries: int
    previous: str
    content: str
    handover: str | None

    def digest(self, key: bytes) -> str:
        """Return the digest of the seal."""
        return _digest(key, "seal", [self.id, self.sealed_at, self.entries, self.previous, self.content, self.handover])


@dataclass(frozen=True, slots=True)
class SealKey:
    """A key of the chain; where it was handed over, it makes no seal from `until` on, and purges none after `purged`.

    Hand-overs of earlier versions do not say what was purged by then.
    """

    key: bytes
    until: int | None = None
    purged: int | None = None

    def may_seal(self, seal_id: int) -> bool:
        """Whether a seal with this id can have been made with it."""
        return self.until is None or seal_id < self.until

    def may_purge(self, seal_id: int) -> bool:
        """Whether the entries of a seal with this id can have been purged with it."""
        return self.purged is None or seal_id <= self.purged


def entry_digest(key: bytes, row: Row) -> str:
    """Return the digest of an entry as it stands in the database; any content has one, be it none of ours."""
    fields = {
        name: row[name]
        for name in ("id", "event", "user_id", "actor_id", "session_id", "address", "request_id")
    }  # fmt: skip
    return _digest(key, "entry", {**fields, "at": moment(row["at"]), "details": _parsed(row["details"])})[:ENTRY_DIGITS]


def content_digest(key: bytes, rows: Content) -> str:
    """Return the digest of a batch: the ids and digests of its entries, by id."""
    return _digest(key, "content", [list(row) for row in rows])


def purge_proof(key: bytes, *, digest: str, purged_at: str) -> str:
    """Return what only the service can write beside a seal whose entries it has purged."""
    return _digest(key, "purged", [digest, purged_at])


def hand_over(key: bytes, older: bytes, *, purged: int) -> str:
    """Return an older key, and the last seal whose entries were purged by then, encrypted under a newer key."""
    return Fernet(_cipher_key(key)).encrypt(older + purged.to_bytes(SEAL_ID_BYTES, "big")).decode("ascii")


def handed_over(key: bytes, closed: str) -> tuple[bytes, int | None] | None:
    """Return what `hand_over` has encrypted under a key, or None; earlier versions did not say what was purged."""
    try:
        told = Fernet(_cipher_key(key)).decrypt(closed)
    except (InvalidToken, ValueError, TypeError):  # text that is not ASCII, or no text at all
        return None
    older, purged = told[:KEY_BYTES], told[KEY_BYTES:]
    return older, int.from_bytes(purged, "big") if purged else None


def known_keys(own: Sequence[bytes], handovers: Iterable[tuple[int, str]]) -> list[SealKey]:
    """Return the keys of the settings and all that were handed over to them, given the hand-overs, the newest first.

    A key of the settings is good for every seal: replicas that do not know the newer one yet go on with it. Another one
    is good for what it had made when it was last handed over, so that whoever has learnt it adds nothing.
    """
    known = {key: SealKey(key) for key in own}
    for seal_id, closed in handovers:
        told = next((told for newer in known if (told := handed_over(newer, closed)) is not None), None)
        if told is None:
            continue
        older, purged = told
        known.setdefault(older, SealKey(older, seal_id, purged))
    return list(known.values())


def read_content(text: Any) -> Content | None:
    """Return the ids and digests that a seal holds; None where it holds something else."""
    rows = _parsed(text)
    if not isinstance(rows, list):
        return None
    match = [row for row in rows if isinstance(row, list) and [type(item) for item in row] == [int, str]]
    return [(row[0], row[1]) for row in match] if len(match) == len(rows) else None


def moment(value: Any) -> str:
    """Return a moment as it is digested; drivers give text or a moment without a zone, in UTC."""
    read = moment_of(value)
    return f"unreadable {value!r}" if read is None else read.isoformat(timespec="microseconds")


def moment_of(value: Any) -> datetime | None:
    """Return a moment as the driver gives it, aware; None where it is none."""
    if isinstance(value, str) and STORED_MOMENT.fullmatch(value):
        with suppress(ValueError):  # the 31st of February
            value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def is_digest(found: Any) -> bool:
    """Whether a stored value has the form of a digest."""
    return isinstance(found, str) and DIGEST.fullmatch(found) is not None


def is_deep(value: Any, *, levels: int = DEEPEST) -> bool:
    """Whether JSON is nested deeper than anything of ours."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(is_deep(member, levels=levels - 1) for member in members)


def fits(digest: str, found: Any) -> bool:
    """Whether a stored value, whatever it is, is this digest."""
    return hmac.compare_digest(digest.encode(), str(found).encode("utf-8", "replace"))


def _digest(key: bytes, what: str, value: Any) -> str:
    text = json.dumps([what, value], sort_keys=True, separators=(",", ":"), default=repr)
    return hmac.new(key, text.encode("ascii"), hashlib.sha256).hexdigest()


def _parsed(text: Any) -> Any:
    """Read JSON as the database holds it; what is none stays as it is, since a digest must be made of it anyway."""
    try:
        value = json.loads(text, object_pairs_hook=_members)
    except (ValueError, TypeError, RecursionError):
        return f"unreadable {text!r}"
    return f"unreadable {text!r}" if is_deep(value) else value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; one that has a name twice is read differently by different programs, and is none."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _cipher_key(key: bytes) -> bytes:
    # Its own key for its own purpose: what digests does not encrypt.
    return base64.urlsafe_b64encode(hmac.new(key, b"hand-over", hashlib.sha256).digest())
