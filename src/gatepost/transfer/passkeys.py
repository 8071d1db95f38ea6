"""Passkeys in exports and imports: public keys, with which nobody can sign in, and their metadata."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gatepost.core.clock import text_of
from gatepost.core.crypto import base64url
from gatepost.identity.credentials.passkeys.aaguids import usual_name
from gatepost.identity.credentials.passkeys.authenticator_data import AAGUID_BYTES, LONGEST_CREDENTIAL_ID
from gatepost.identity.credentials.passkeys.bounds import LONGEST_NAME, MOST_PASSKEYS, can_be_name
from gatepost.identity.credentials.passkeys.public_keys import read_public_key
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused
from gatepost.identity.credentials.passkeys.responses import LONGEST_USER_HANDLE, read_transports
from gatepost.transfer.fields import Fields, octets_in
from gatepost.transfer.marks import CREDENTIAL, HANDLE, Mark

# The lengths of the columns: a domain (RFC 1035, section 2.3.4), and the longest accepted key.
LONGEST_RP_ID, LONGEST_PUBLIC_KEY = 253, 1024
# Authenticators send 4 bytes (WebAuthn 3, section 6.1).
LARGEST_COUNT = 2**32 - 1


@dataclass(frozen=True, slots=True)
class MovedPasskey:
    """A passkey: the public key as COSE, and what the authenticator reported."""

    credential_id: bytes
    public_key: bytes
    rp_id: str
    sign_count: int
    backup_eligible: bool
    backup_state: bool
    aaguid: bytes
    transports: tuple[str, ...]
    name: str
    created_at: datetime
    last_used_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return the passkey as in an export."""
        return {
            "id": base64url.encode(self.credential_id),
            "public_key": base64url.encode(self.public_key),
            "rp_id": self.rp_id,
            "sign_count": self.sign_count,
            "backup_eligible": self.backup_eligible,
            "backup_state": self.backup_state,
            "aaguid": str(UUID(bytes=self.aaguid)),
            "transports": list(self.transports),
            "name": self.name,
            "created_at": text_of(self.created_at),
            "last_used_at": text_of(self.last_used_at),
        }


@dataclass(frozen=True, slots=True)
class MovedPasskeys:
    """The passkeys of an account, and its user handle, which authenticators store and send at a sign-in."""

    user_handle: bytes
    credentials: tuple[MovedPasskey, ...]

    @property
    def marks(self) -> Sequence[Mark]:
        """The values that no other account may have."""
        return [(HANDLE, self.user_handle), *((CREDENTIAL, passkey.credential_id) for passkey in self.credentials)]

    def as_json(self) -> dict[str, Any]:
        """Return the passkeys as in an export."""
        credentials = [passkey.as_json() for passkey in self.credentials]
        return {"user_handle": base64url.encode(self.user_handle), "credentials": credentials}


def read_passkeys(fields: Fields, now: datetime) -> MovedPasskeys:
    """Read the passkeys of an account.

    Raises:
        FactorRefused: a part of them cannot be read, or could not be used to sign in.
    """
    handle = octets_in(fields.take("user_handle"), shortest=1, longest=LONGEST_USER_HANDLE)
    if handle is None:
        raise fields.refused("user_handle", f"is no base64url text of 1 to {LONGEST_USER_HANDLE} bytes")
    parts = fields.parts("credentials", most=MOST_PASSKEYS, what="passkeys")
    credentials = tuple(_read_passkey(part, now) for part in parts)
    if len({passkey.credential_id for passkey in credentials}) < len(credentials):
        raise fields.refused("credentials", "has the same id twice")
    fields.end()
    return MovedPasskeys(handle, credentials)


def _read_passkey(fields: Fields, now: datetime) -> MovedPasskey:
    credential_id = octets_in(fields.take("id"), shortest=1, longest=LONGEST_CREDENTIAL_ID)
    if credential_id is None:
        raise fields.refused("id", f"is no base64url text of 1 to {LONGEST_CREDENTIAL_ID} bytes")
    rp_id = fields.take("rp_id")
    if not isinstance(rp_id, str) or not rp_id.isascii() or not 0 < len(rp_id) <= LONGEST_RP_ID or " " in rp_id:
        raise fields.refused("rp_id", "is no domain such as example.com")
    aaguid = _aaguid(fields)
    passkey = MovedPasskey(
        credential_id=credential_id,
        public_key=_public_key(fields),
        rp_id=rp_id,
        sign_count=fields.whole("sign_count", most=LARGEST_COUNT, what=""),
        backup_eligible=fields.flag("backup_eligible"),
        backup_state=fields.flag("backup_state"),
        aaguid=aaguid,
        transports=_transports(fields),
        name=_name(fields, aaguid),
        created_at=fields.moment("created_at") or now,
        last_used_at=fields.moment("last_used_at"),
    )
    if passkey.backup_state and not passkey.backup_eligible:
        raise fields.refused("backup_state", "is true only where backup_eligible is")
    fields.end()
    return passkey


def _public_key(fields: Fields) -> bytes:
    key = octets_in(fields.take("public_key"), shortest=1, longest=LONGEST_PUBLIC_KEY) or b""
    try:
        read_public_key(key)
    except PasskeyRefused:
        said = "is no base64url text of a COSE key that is accepted: ES256, EdDSA, or RS256"
        raise fields.refused("public_key", said) from None
    return key


def _aaguid(fields: Fields) -> bytes:
    value = fields.take("aaguid")
    try:
        return UUID(value).bytes if value is not None else bytes(AAGUID_BYTES)
    except (ValueError, AttributeError, TypeError):
        raise fields.refused("aaguid", "is no UUID") from None


def _transports(fields: Fields) -> tuple[str, ...]:
    value = fields.take("transports")
    try:
        return read_transports([] if value is None else value)
    except PasskeyRefused:
        raise fields.refused("transports", "is no list of texts such as internal and hybrid") from None


def _name(fields: Fields, aaguid: bytes) -> str:
    value = fields.take("name")
    if value is None:
        return usual_name(aaguid)
    if not isinstance(value, str) or not can_be_name(value):
        raise fields.refused("name", f"is no line of 1 to {LONGEST_NAME} characters")
    return value
