"""Second factors in exports and imports. They are unencrypted in the file; each deployment uses its own SECRET_KEY.

Passkeys have no secret: their private key stays in the authenticator. Identities have none either.

The object `factors` of an account has a member for each kind of factor that the account has. A new kind needs a reader
in `READERS` and a field of `MovedFactors`.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gatepost.core.clock import text_of
from gatepost.core.crypto import base64url
from gatepost.identity.credentials.recovery_codes.codes import COUNT, KEY_BYTES
from gatepost.identity.credentials.totp.codes import step_at
from gatepost.transfer.fields import FactorRefused, Fields, octets_in
from gatepost.transfer.identities import MovedIdentities, read_identities
from gatepost.transfer.marks import Mark
from gatepost.transfer.passkeys import MovedPasskeys, read_passkeys
from gatepost.transfer.values import read_moment

# RFC 4226, section 4, requires 128 bits, but other systems often use 80. The maximum is what fits into the column.
SHORTEST_SECRET, LONGEST_SECRET = 10, 60
# Allows for wrong clocks; later steps would lock the owner out for a long time.
MOST_AHEAD = timedelta(hours=1)
DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class MovedTotp:
    """A confirmed authenticator app."""

    secret: bytes = field(repr=False)
    last_step: int
    created_at: datetime
    confirmed_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class MovedRecoveryCodes:
    """A set of recovery codes: their digests, the key of the digests, and `unused` with a bit for each unused code."""

    key: bytes = field(repr=False)
    digests: tuple[str, ...]
    unused: int
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class MovedFactors:
    """The second factors of an account."""

    passkeys: MovedPasskeys | None = None
    totp: MovedTotp | None = None
    recovery_codes: MovedRecoveryCodes | None = None
    identities: MovedIdentities | None = None

    def __bool__(self) -> bool:
        return self != MovedFactors()

    @property
    def marks(self) -> Sequence[Mark]:
        """The values that no other account may have."""
        kinds = (self.passkeys, self.identities)
        return [mark for kind in kinds if kind is not None for mark in kind.marks]

    def as_json(self) -> dict[str, Any]:
        """Return the factors as in an export; their secrets are in plain text."""
        written: dict[str, Any] = {}
        if self.passkeys is not None:
            written["passkeys"] = self.passkeys.as_json()
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
        if self.identities is not None:
            written["identities"] = self.identities.as_json()
        return written


def read_factors(value: object, *, now: datetime) -> MovedFactors:
    """Read the `factors` object of an account, which may be None.

    Raises:
        FactorRefused: a part of it cannot be read or is of an unknown kind.
    """
    if value is None:
        return MovedFactors()
    if not isinstance(value, dict):
        raise FactorRefused(f"factors is an object with {', '.join(READERS)}")
    unknown = sorted(set(value) - set(READERS))
    if unknown:
        raise FactorRefused(f"there is no second factor {unknown[0][:64]!r}")
    found = {name: READERS[name](Fields(name, fields), now) for name, fields in value.items() if fields is not None}
    return MovedFactors(**found)


def _read_totp(fields: Fields, now: datetime) -> MovedTotp:
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
    step = fields.whole("last_step", most=step_at(now + MOST_AHEAD), what=", an hour from now")
    created_at, last_used_at = fields.moment("created_at") or confirmed_at, fields.moment("last_used_at")
    fields.end()
    return MovedTotp(secret, step, created_at, confirmed_at, last_used_at)


def _read_recovery_codes(fields: Fields, now: datetime) -> MovedRecoveryCodes:
    key = octets_in(fields.take("key"), shortest=KEY_BYTES, longest=KEY_BYTES)
    if key is None:
        raise fields.refused("key", f"is no base64url text of {KEY_BYTES} bytes, as an export writes it")
    codes = fields.take("codes")
    if not isinstance(codes, list) or not 1 <= len(codes) <= COUNT or not all(map(_is_code, codes)):
        raise fields.refused("codes", f"is a list of 1 to {COUNT} objects with digest and used, as an export writes it")
    unused = sum(1 << place for place, code in enumerate(codes) if not code["used"])
    created_at, last_used_at = fields.moment("created_at") or now, fields.moment("last_used_at")
    fields.end()
    return MovedRecoveryCodes(key, tuple(code["digest"] for code in codes), unused, created_at, last_used_at)


READERS: Mapping[str, Callable[[Fields, datetime], Any]] = {
    "passkeys": read_passkeys,
    "totp": _read_totp,
    "recovery_codes": _read_recovery_codes,
    "identities": read_identities,
}


def _moments(factor: MovedTotp | MovedRecoveryCodes) -> dict[str, str | None]:
    return {"created_at": text_of(factor.created_at), "last_used_at": text_of(factor.last_used_at)}


def _base32(text: object) -> bytes | None:
    """Read a secret as apps show it; spaces, hyphens, case and padding do not matter. None if it is not base32."""
    if not isinstance(text, str):
        return None
    letters = "".join(text.split()).replace("-", "").rstrip("=").upper()
    try:
        return base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        return None


def _is_code(code: object) -> bool:
    return (
        isinstance(code, dict)
        and set(code) == {"digest", "used"}
        and octets_in(code["digest"], shortest=DIGEST_BYTES, longest=DIGEST_BYTES) is not None
        and isinstance(code["used"], bool)
    )
