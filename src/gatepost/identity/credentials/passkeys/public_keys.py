"""Public keys of passkeys in COSE (RFC 9052, 9053, 8230), and their signatures."""

from enum import IntEnum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from gatepost.core.crypto import ed25519
from gatepost.identity.credentials.passkeys import strict_cbor
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal

SHORTEST_RSA_BITS = 2048
# Longer keys take longer to verify, and no known authenticator has them.
LONGEST_RSA_BITS = 4096
LARGEST_RSA_EXPONENT = 2**32 - 1
COORDINATE_BYTES = 32


class Algorithm(IntEnum):
    """The accepted algorithms by their COSE identifiers, in order of preference."""

    EDDSA = -8
    ES256 = -7
    RS256 = -257


PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey | RSAPublicKey


def read_public_key(cose: bytes) -> PublicKey:
    """Return the key, if its algorithm is accepted, it is strong enough, and its encoding is the only valid one.

    Raises:
        PasskeyRefused: with ALGORITHM or PUBLIC_KEY.
    """
    try:
        match strict_cbor.loads(cose):
            case {3: Algorithm.EDDSA, -2: bytes() as x}:
                key: PublicKey = ed25519.public_key(x)
                members: dict[int, int | bytes] = {1: 1, 3: Algorithm.EDDSA, -1: 6, -2: x}
            case {3: Algorithm.ES256, -2: bytes() as x, -3: bytes() as y}:
                key = _p256(x, y)
                members = {1: 2, 3: Algorithm.ES256, -1: 1, -2: x, -3: y}
            case {3: Algorithm.RS256, -1: bytes() as n, -2: bytes() as e}:
                key = _rsa(n, e)
                members = {1: 3, 3: Algorithm.RS256, -1: n, -2: e}
            case {3: int() as other} if other not in list(Algorithm):
                raise PasskeyRefused(Refusal.ALGORITHM)
            case _:
                raise PasskeyRefused(Refusal.PUBLIC_KEY)
    except ValueError:
        raise PasskeyRefused(Refusal.PUBLIC_KEY) from None
    # No other members, and no other curve or key type.
    if strict_cbor.dumps(members) != cose:
        raise PasskeyRefused(Refusal.PUBLIC_KEY)
    return key


def has_signed(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the signature of the message is valid for this key; anything malformed is not."""
    try:
        match key:
            case Ed25519PublicKey():
                key.verify(signature, message)
            case ec.EllipticCurvePublicKey():
                key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
            case RSAPublicKey():
                key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except Exception:  # noqa: BLE001  InvalidSignature, and whatever a backend raises on odd input, is a refusal
        return False
    return True


def _p256(x: bytes, y: bytes) -> ec.EllipticCurvePublicKey:
    if len(x) != COORDINATE_BYTES or len(y) != COORDINATE_BYTES:
        raise ValueError("a coordinate of another length")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1())
    return numbers.public_key()


def _rsa(n: bytes, e: bytes) -> RSAPublicKey:
    modulus, exponent = _shortest(n), _shortest(e)
    if not SHORTEST_RSA_BITS <= modulus.bit_length() <= LONGEST_RSA_BITS or modulus % 2 == 0:
        raise ValueError("no modulus, or one of another length")
    if not 2 < exponent <= LARGEST_RSA_EXPONENT or exponent % 2 == 0:
        raise ValueError("no exponent")
    return RSAPublicNumbers(exponent, modulus).public_key()


def _shortest(number: bytes) -> int:
    if number.startswith(b"\0"):
        raise ValueError("a zero at the front")
    return int.from_bytes(number)
