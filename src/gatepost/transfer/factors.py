"""Second factors on their way between two deployments: opened in the file, and sealed with the SECRET_KEY of each.

The object `factors` of an account has a member for each kind that the account has. One more kind is one more reader in
`READERS`, and a field of `MovedFactors`.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gatepost.core.crypto import base64url
from gatepost.identity.credentials.recovery_codes.codes import COUNT, KEY_BYTES
from gatepost.identity.credentials.totp.codes import step_at
from gatepost.transfer.values import read_moment, read_whole

# RFC 4226, section 4, asks for 128 bits; apps of other systems often have 80. The most is what the column has room for.
SHORTEST_SECRET, LONGEST_SECRET = 10, 60
# For clocks that are wrong; later steps would keep the owner out for long.
MOST_AHEAD = timedelta(hours=1)
DIGEST_BYTES = hashlib.sha256().digest_size


class FactorRefused(ValueError):
    """A second factor cannot be imported; the message says why, without its secret."""


@dataclass(frozen=True, slots=True)
class MovedTotp:
    """An authenticator app that its owner has confirmed."""

    secret: bytes = field(repr=False)
    last_step: int
    created_at: datetime
    confirmed_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class MovedRecoveryCodes:
    """A set of recovery codes: digests, the key that they were made with, and a bit for each that is unused."""

    key: bytes = field(repr=False)
    digests: tuple[str, ...]
    unused: int
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class MovedFactors:
    """What an account has."""

    totp: MovedTotp | None = None
    recovery_codes: MovedRecoveryCodes | None = None

    def __bool__(self) -> bool:
        return self != MovedFactors()

    def as_json(self) -> dict[str, Any]:
        """Return what an export has of it: secrets that anybody can read."""
        written: dict[str, Any] = {}
        if self.totp is not None:
            written["totp"] = {
                "secret": base64.b32encode(self.totp.secret).decode("ascii").rstrip("="),
                "confirmed": self.totp.confirmed_at.isoformat(),
                "last_step": self.totp.last_step,
                **_moments(self.totp),
            }
        if (codes := self.recovery_codes) is not None:
            written["recovery_codes"] = {
                "key": base64url.encode(codes.key),
                "codes": [
                    {"digest": digest, "used": not codes.unused >> place & 1}
                    for place, digest in enumerate(codes.digests)
                ],
                **_moments(codes),
            }
        return written


def read_factors(value: object, *, now: datetime) -> MovedFactors:
    """Read the object of an account, or nothing.

    Raises:
        FactorRefused: something of it cannot be read, or is of a kind that we do not have.
    """
    if value is None:
        return MovedFactors()
    if not isinstance(value, dict):
        raise FactorRefused(f"factors is an object with {' and '.join(READERS)}")
    unknown = sorted(set(value) - set(READERS))
    if unknown:
        raise FactorRefused(f"there is no second factor {unknown[0][:64]!r}")
    found = {name: READERS[name](_Fields(name, fields), now) for name, fields in value.items() if fields is not None}
    return MovedFactors(**found)


class _Fields:
    """The fields of one factor. Each is taken once, and none may be left."""

    def __init__(self, name: str, value: object) -> None:
        self._name = name
        if not isinstance(value, dict):
            raise FactorRefused(f"factors.{name} is an object")
        self._left: dict[str, Any] = dict(value)

    def take(self, field_name: str) -> Any:
        return self._left.pop(field_name, None)

    def moment(self, field_name: str) -> datetime | None:
        value = self.take(field_name)
        moment = None if value is None else read_moment(value)
        if value is not None and moment is None:
            raise self.refused(field_name, "is no moment such as 2026-01-31T12:00:00Z, nor a date")
        return moment

    def end(self) -> None:
        if self._left:
            raise self.refused(min(self._left)[:64], "is not known")

    def refused(self, field_name: str, why: str) -> FactorRefused:
        return FactorRefused(f"factors.{self._name}.{field_name} {why}")


def _read_totp(fields: _Fields, now: datetime) -> MovedTotp:
    secret = _base32(fields.take("secret"))
    if secret is None:
        raise fields.refused("secret", "is no base32 text")
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        bits = f"{8 * SHORTEST_SECRET} to {8 * LONGEST_SECRET} bits"
        raise fields.refused("secret", f"has {8 * len(secret)} bits, and {bits} are accepted")
    confirmed = fields.take("confirmed")
    confirmed_at = now if confirmed in (None, True) else read_moment(confirmed)
    if confirmed_at is None:
        raise fields.refused("confirmed", "must be true or a moment: leave out an app that its owner has not confirmed")
    last_step = fields.take("last_step")
    step = 0 if last_step is None else read_whole(last_step)
    newest = step_at(now + MOST_AHEAD)
    if step is None or not 0 <= step <= newest:
        raise fields.refused("last_step", f"is a whole number from 0 to {newest}, an hour from now")
    created_at, last_used_at = fields.moment("created_at") or confirmed_at, fields.moment("last_used_at")
    fields.end()
    return MovedTotp(secret, step, created_at, confirmed_at, last_used_at)


def _read_recovery_codes(fields: _Fields, now: datetime) -> MovedRecoveryCodes:
    key = _bytes(fields.take("key"), length=KEY_BYTES)
    if key is None:
        raise fields.refused("key", f"is no base64url text of {KEY_BYTES} bytes, as an export writes it")
    codes = fields.take("codes")
    if not isinstance(codes, list) or not 1 <= len(codes) <= COUNT or not all(map(_is_code, codes)):
        raise fields.refused("codes", f"is a list of 1 to {COUNT} objects with digest and used, as an export writes it")
    unused = sum(1 << place for place, code in enumerate(codes) if not code["used"])
    created_at, last_used_at = fields.moment("created_at") or now, fields.moment("last_used_at")
    fields.end()
    return MovedRecoveryCodes(key, tuple(code["digest"] for code in codes), unused, created_at, last_used_at)


READERS: Mapping[str, Callable[[_Fields, datetime], Any]] = {
    "totp": _read_totp,
    "recovery_codes": _read_recovery_codes,
}


def _moments(factor: MovedTotp | MovedRecoveryCodes) -> dict[str, str | None]:
    used = factor.last_used_at
    return {"created_at": factor.created_at.isoformat(), "last_used_at": None if used is None else used.isoformat()}


def _base32(text: object) -> bytes | None:
    """Read a secret as apps show it: spaces, hyphens, letter case and padding do not matter."""
    if not isinstance(text, str):
        return None
    letters = "".join(text.split()).replace("-", "").rstrip("=").upper()
    try:
        return base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        return None


def _bytes(text: object, *, length: int) -> bytes | None:
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        return None
    return data if len(data) == length else None


def _is_code(code: object) -> bool:
    return (
        isinstance(code, dict)
        and set(code) == {"digest", "used"}
        and _bytes(code["digest"], length=DIGEST_BYTES) is not None
        and isinstance(code["used"], bool)
    )
