"""The hash chain: exactly what the digests of entries and seals cover, and their keys.

Every digest is HMAC-SHA256 (RFC 2104) in hex, over canonical JSON: keys sorted, no white space, ASCII only, times as
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

# A seal keeps 128 bits of each entry's digest.
ENTRY_DIGITS = 32
KEY_BYTES = 32
SEAL_ID_BYTES = 8
# The form in which we write times to SQLite. Other forms could be parsed, but not displayed as they are stored.
STORED_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{6}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
# Deeper than any details of ours. Deeper JSON may be parsed, but then fail to be serialized for the digest.
DEEPEST = 50

Row = Mapping[str, Any] | RowMapping
Content = Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Link:
    """What the digest of a seal covers; `previous` is the digest of the previous seal, empty for the first one."""

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
    """A key of the chain. Once handed over, it cannot make seals from `until` on, nor purge those after `purged`.

    Hand-overs of earlier versions do not contain `purged`.
    """

    key: bytes
    until: int | None = None
    purged: int | None = None

    def may_seal(self, seal_id: int) -> bool:
        """Whether it can have made a seal with this id."""
        return self.until is None or seal_id < self.until

    def may_purge(self, seal_id: int) -> bool:
        """Whether it can have purged the entries of a seal with this id."""
        return self.purged is None or seal_id <= self.purged


def entry_digest(key: bytes, row: Row) -> str:
    """Return the digest of an entry as it is in the database; any content has one, even if we did not write it."""
    fields = {
        name: row[name]
        for name in ("id", "event", "user_id", "actor_id", "session_id", "address", "request_id")
    }  # fmt: skip
    return _digest(key, "entry", {**fields, "at": moment(row["at"]), "details": _parsed(row["details"])})[:ENTRY_DIGITS]


def content_digest(key: bytes, rows: Content) -> str:
    """Return the digest of a batch: of the ids and digests of its entries, ordered by id."""
    return _digest(key, "content", [list(row) for row in rows])


def purge_proof(key: bytes, *, digest: str, purged_at: str) -> str:
    """Return the proof that the service itself has purged the entries of a seal."""
    return _digest(key, "purged", [digest, purged_at])


def hand_over(key: bytes, older: bytes, *, purged: int) -> str:
    """Encrypt an older key, and the id of the last seal whose entries it had purged, with a newer key."""
    return Fernet(_cipher_key(key)).encrypt(older + purged.to_bytes(SEAL_ID_BYTES, "big")).decode("ascii")


def handed_over(key: bytes, closed: str) -> tuple[bytes, int | None] | None:
    """Decrypt the result of `hand_over`, or return None. The second value is None in hand-overs of earlier versions."""
    try:
        told = Fernet(_cipher_key(key)).decrypt(closed)
    except (InvalidToken, ValueError, TypeError):  # also text that is not ASCII, and values that are not text
        return None
    older, purged = told[:KEY_BYTES], told[KEY_BYTES:]
    return older, int.from_bytes(purged, "big") if purged else None


def known_keys(own: Sequence[bytes], handovers: Iterable[tuple[int, str]]) -> list[SealKey]:
    """Return the keys of the settings and all keys handed over to them. `handovers` has the newest first.

    A key of the settings is valid for every seal, because replicas that do not know the newer one yet still use it.
    Other keys are only valid for what they had made when they were last handed over, so that a stolen key cannot add
    seals.
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
    """Return the ids and digests in a seal; None if it contains something else."""
    rows = _parsed(text)
    if not isinstance(rows, list):
        return None
    match = [row for row in rows if isinstance(row, list) and [type(item) for item in row] == [int, str]]
    return [(row[0], row[1]) for row in match] if len(match) == len(rows) else None


def moment(value: Any) -> str:
    """Return a time in the form for digests; drivers return text, or a time in UTC without a time zone."""
    read = moment_of(value)
    return f"unreadable {value!r}" if read is None else read.isoformat(timespec="microseconds")


def moment_of(value: Any) -> datetime | None:
    """Return the driver's value as an aware time; None if it is not a time."""
    if isinstance(value, str) and STORED_MOMENT.fullmatch(value):
        with suppress(ValueError):  # such as 31 February
            value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def is_digest(found: Any) -> bool:
    """Whether a stored value has the form of a digest."""
    return isinstance(found, str) and DIGEST.fullmatch(found) is not None


def is_deep(value: Any, *, levels: int = DEEPEST) -> bool:
    """Whether JSON is nested deeper than anything that we write."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(is_deep(member, levels=levels - 1) for member in members)


def fits(digest: str, found: Any) -> bool:
    """Whether a stored value, of any type, is this digest."""
    return hmac.compare_digest(digest.encode(), str(found).encode("utf-8", "replace"))


def _digest(key: bytes, what: str, value: Any) -> str:
    text = json.dumps([what, value], sort_keys=True, separators=(",", ":"), default=repr)
    return hmac.new(key, text.encode("ascii"), hashlib.sha256).hexdigest()


def _parsed(text: Any) -> Any:
    """Parse JSON from the database. Anything else is returned as text, because it needs a digest too."""
    try:
        value = json.loads(text, object_pairs_hook=_members)
    except (ValueError, TypeError, RecursionError):
        return f"unreadable {text!r}"
    return f"unreadable {text!r}" if is_deep(value) else value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object.

    Raises:
        ValueError: a name occurs twice, so that different programs would read it differently.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _cipher_key(key: bytes) -> bytes:
    # A separate key: the key for digests is not used to encrypt.
    return base64.urlsafe_b64encode(hmac.new(key, b"hand-over", hashlib.sha256).digest())
