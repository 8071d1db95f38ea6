"""Public keys of Ed25519 (RFC 8032, section 5.1)."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIELD = 2**255 - 19
# The y coordinates of the points of small order: anybody can forge signatures for such a key, and OpenSSL accepts it.
SMALL_ORDER = frozenset(
    {
        0,
        1,
        FIELD - 1,
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    }
)


def public_key(x: bytes) -> Ed25519PublicKey:
    """Return the key of 32 bytes.

    Raises:
        ValueError: no point, one of small order, or another length.
    """
    height = int.from_bytes(x, "little") % 2**255
    if height >= FIELD or height in SMALL_ORDER:
        raise ValueError("no point, or one of small order")
    return Ed25519PublicKey.from_public_bytes(x)
