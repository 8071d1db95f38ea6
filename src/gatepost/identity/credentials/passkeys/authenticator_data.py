"""Authenticator data (WebAuthn 3, section 6.1): parsed completely or refused."""

from dataclasses import dataclass
from enum import IntFlag

from gatepost.identity.credentials.passkeys import strict_cbor
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal
from gatepost.identity.credentials.passkeys.strict_cbor import CborError

HASH_BYTES = 32
HEAD_BYTES = 37
AAGUID_BYTES = 16
LONGEST_CREDENTIAL_ID = 1023
LONGEST_EXTENSIONS = 1024
# The longest id, the longest RSA key and the longest extensions fit.
LONGEST = 4096


class Flags(IntFlag):
    """The defined flags; the two reserved ones are ignored."""

    USER_PRESENT = 0x01
    USER_VERIFIED = 0x04
    BACKUP_ELIGIBLE = 0x08
    BACKUP_STATE = 0x10
    ATTESTED_CREDENTIAL_DATA = 0x40
    EXTENSION_DATA = 0x80


@dataclass(frozen=True, slots=True)
class AttestedCredential:
    """A new credential: the claimed authenticator model, the id, and the public key in COSE, not yet checked."""

    aaguid: bytes
    credential_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class AuthenticatorData:
    """The parts of authenticator data. Extensions are bounded and ignored, since none is requested."""

    rp_id_hash: bytes
    flags: Flags
    sign_count: int
    credential: AttestedCredential | None


def flags_of(data: bytes) -> Flags:
    """Return the flags of authenticator data; none where it ends before them."""
    return Flags(data[HASH_BYTES]) if len(data) > HASH_BYTES else Flags(0)


def read_authenticator_data(data: bytes) -> AuthenticatorData:
    """Parse authenticator data; every optional part must be flagged, and nothing may follow.

    Raises:
        PasskeyRefused: with AUTHENTICATOR_DATA, CREDENTIAL_ID, PUBLIC_KEY or EXTENSIONS.
    """
    if not HEAD_BYTES <= len(data) <= LONGEST:
        raise PasskeyRefused(Refusal.AUTHENTICATOR_DATA)
    flags = flags_of(data)
    rest = data[HEAD_BYTES:]
    credential = None
    if flags & Flags.ATTESTED_CREDENTIAL_DATA:
        credential, rest = _credential(rest)
    if flags & Flags.EXTENSION_DATA:
        rest = _after_extensions(rest)
    if rest:
        raise PasskeyRefused(Refusal.AUTHENTICATOR_DATA)
    return AuthenticatorData(
        rp_id_hash=data[:HASH_BYTES],
        flags=flags,
        sign_count=int.from_bytes(data[HASH_BYTES + 1 : HEAD_BYTES]),
        credential=credential,
    )


def _credential(data: bytes) -> tuple[AttestedCredential, bytes]:
    """Return the new credential and the remaining bytes."""
    aaguid, rest = data[:AAGUID_BYTES], data[AAGUID_BYTES:]
    length, rest = int.from_bytes(rest[:2]), rest[2:]
    credential_id, rest = rest[:length], rest[length:]
    if not 1 <= length <= LONGEST_CREDENTIAL_ID:
        raise PasskeyRefused(Refusal.CREDENTIAL_ID)
    # Also true if any earlier part was too short.
    if not rest:
        raise PasskeyRefused(Refusal.AUTHENTICATOR_DATA)
    try:
        _, behind = strict_cbor.read(rest)
    except CborError:
        raise PasskeyRefused(Refusal.PUBLIC_KEY) from None
    public_key = rest[: len(rest) - len(behind)]
    return AttestedCredential(aaguid, credential_id, public_key), behind


def _after_extensions(data: bytes) -> bytes:
    """Return the bytes that follow the extensions."""
    try:
        extensions, rest = strict_cbor.read(data)
    except CborError:
        raise PasskeyRefused(Refusal.EXTENSIONS) from None
    if len(data) - len(rest) > LONGEST_EXTENSIONS:
        raise PasskeyRefused(Refusal.EXTENSIONS)
    if not isinstance(extensions, dict) or not all(isinstance(name, str) for name in extensions):
        raise PasskeyRefused(Refusal.EXTENSIONS)
    return rest
