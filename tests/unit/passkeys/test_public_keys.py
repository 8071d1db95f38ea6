"""Keys of passkeys: three algorithms, one way to write each, and none that anybody could sign for."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gatepost.core.crypto.ed25519 import SMALL_ORDER
from gatepost.identity.credentials.passkeys.public_keys import has_signed, read_public_key
from gatepost.identity.credentials.passkeys.refusals import Refusal
from gatepost.identity.credentials.passkeys.strict_cbor import dumps
from tests.unit.passkeys.authenticator import PrivateKey, cose_of, sign
from tests.unit.passkeys.verdicts import verdict

P256 = ec.derive_private_key(7, ec.SECP256R1())
X, Y = (number.to_bytes(32) for number in (P256.public_key().public_numbers().x, P256.public_key().public_numbers().y))
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
POINT = ED25519.public_key().public_bytes_raw()
RSA = rsa.generate_private_key(65537, 2048)
N = RSA.public_key().public_numbers().n
MODULUS = N.to_bytes(256)
P256_KEY = {1: 2, 3: -7, -1: 1, -2: X, -3: Y}
ED25519_KEY = {1: 1, 3: -8, -1: 6, -2: POINT}
RSA_KEY = {1: 3, 3: -257, -1: MODULUS, -2: b"\1\0\1"}


def reasons(*keys: object) -> list[Refusal | None]:
    """Return why each key is refused."""
    return [verdict(read_public_key, dumps(key)) for key in keys]


@pytest.mark.parametrize("key", [P256, ED25519, RSA], ids=["ES256", "EdDSA", "RS256"])
def test_key_verifies_what_was_signed_and_nothing_else(key: PrivateKey) -> None:
    public = read_public_key(cose_of(key))
    signature = sign(key, b"message")

    assert has_signed(public, b"message", signature)
    assert not has_signed(public, b"massage", signature)
    assert not has_signed(public, b"message", signature + b"\0")
    assert not has_signed(public, b"message", signature[:-1])
    assert not has_signed(public, b"message", b"")


def test_other_algorithms_are_refused() -> None:
    others = [
        dumps({1: 2, 3: number, -1: 1, -2: X, -3: Y}) for number in (-35, -36, -37, -47, -9, -19, -53, 0, 1, -65535)
    ]

    assert {verdict(read_public_key, key) for key in others} == {Refusal.ALGORITHM}


def test_keys_written_in_another_way_are_refused() -> None:
    odd = [
        {},
        [],
        0,
        "text",
        {1: 2, -1: 1, -2: X, -3: Y},
        P256_KEY | {3: "-7"},
        P256_KEY | {3: [-7]},
        P256_KEY | {1: 1},
        P256_KEY | {1: 3},
        P256_KEY | {-1: 2},
        P256_KEY | {-1: True},
        P256_KEY | {2: b"kid"},
        P256_KEY | {4: [2]},
        P256_KEY | {-4: b"private"},
        P256_KEY | {"more": 1},
        {name: P256_KEY[name] for name in (1, 3, -1, -2)},
        P256_KEY | {-3: True},
        ED25519_KEY | {1: True},
        ED25519_KEY | {1: 2},
        ED25519_KEY | {-1: 7},
        ED25519_KEY | {-3: POINT},
        ED25519_KEY | {-4: b"private"},
        RSA_KEY | {1: 2},
        RSA_KEY | {-3: b"d"},
        RSA_KEY | {-1: 5},
    ]

    assert set(reasons(*odd)) == {Refusal.PUBLIC_KEY}
    assert verdict(read_public_key, dumps(P256_KEY) + b"\0") is Refusal.PUBLIC_KEY
    assert verdict(read_public_key, b"") is Refusal.PUBLIC_KEY


def test_points_that_are_not_on_the_curve_are_refused() -> None:
    order = 2**256 - 2**224 + 2**192 + 2**96 - 1
    off = [
        P256_KEY | {-3: X},
        P256_KEY | {-2: bytes(32), -3: bytes(32)},
        P256_KEY | {-2: b"\xff" * 32},
        P256_KEY | {-2: X + b"\0"},
        P256_KEY | {-2: b"\0" + X},
        P256_KEY | {-2: b"", -3: b""},
        P256_KEY | {-2: order.to_bytes(32)},
    ]

    assert set(reasons(*off)) == {Refusal.PUBLIC_KEY}


def test_ed25519_key_that_anybody_can_sign_for_is_refused() -> None:
    identity = (1).to_bytes(32, "little")
    # OpenSSL verifies a signature that was made of nothing.
    ed25519.Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"anything")
    sign_bit = 2**255
    weak = [height + bit for height in SMALL_ORDER for bit in (0, sign_bit)]
    # The same once more, above the field, and any other number there.
    unreduced = [2**255 - 19, 2**255 - 18, 2**255 - 1, 2**256 - 1]

    keys = [ED25519_KEY | {-2: number.to_bytes(32, "little")} for number in (*weak, *unreduced)]
    short = [ED25519_KEY | {-2: POINT[:-1]}, ED25519_KEY | {-2: POINT + b"\0"}, ED25519_KEY | {-2: b""}]

    assert set(reasons(*keys, *short)) == {Refusal.PUBLIC_KEY}


def test_rsa_keys_that_are_weak_or_slow_are_refused() -> None:
    def key(n: int, e: int = 65537) -> dict[int, object]:
        size = (n.bit_length() + 7) // 8
        return RSA_KEY | {-1: n.to_bytes(size), -2: e.to_bytes((e.bit_length() + 7) // 8)}

    weak = [
        key(2**2047 - 1),
        key(2**1023 + 1),
        key(2**4096 + 1),
        key(2**16384 + 1),
        key(N - 1),
        key(0),
        *[key(N, exponent) for exponent in (0, 1, 2, 4, 65536, 2**32 + 1, 2**64 + 1)],
        RSA_KEY | {-1: b"\0" + MODULUS},
        RSA_KEY | {-2: b"\0\1\0\1"},
        RSA_KEY | {-1: b""},
        RSA_KEY | {-2: b""},
    ]

    assert set(reasons(*weak)) == {Refusal.PUBLIC_KEY}
    assert reasons(key(N), key(N, 3), key(N, 2**32 - 1), key(2**2047 + 1), key(2**4096 - 1)) == [None] * 5
