"""Which keys are accepted, and which never (RFC 7517, RFC 7518, RFC 8725 3.4 and 3.5)."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from gatepost.core.crypto import jose, jws
from tests.support.attacks.target import ASYMMETRIC, decode, encode
from tests.unit.jose.verifier import good_claims, signing_key, verify

P256_PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF


def public_jwk(algorithm: str) -> dict[str, Any]:
    """Return a good public key, as a member of a JWK Set."""
    return dict(signing_key(algorithm).verifying.jwk or {})


def private_pem(key: Any) -> bytes:
    """Return a private key as PKCS #8."""
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_published_key_verifies_what_its_other_half_signs(algorithm: str) -> None:
    key = jws.verifying_key_from_jwk(public_jwk(algorithm) | {"key_ops": ["verify"], "x5c": ["MIIB"], "note": 1})

    assert (key.kid, key.algorithm, dict(key.jwk or {})) == (
        signing_key(algorithm).kid, algorithm, public_jwk(algorithm)
    )  # fmt: skip
    assert verify(jose.sign(good_claims(), signing_key(algorithm), typ="at+jwt"), {key.kid: key}) == good_claims()


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_published_key_holds_nothing_private(algorithm: str) -> None:
    members = {"ES256": {"kty", "crv", "x", "y"}, "RS256": {"kty", "n", "e"}}[algorithm]

    assert public_jwk(algorithm).keys() == members | {"alg", "use", "kid"}
    assert public_jwk(algorithm)["kid"] == jws.thumbprint(public_jwk(algorithm))


def test_thumbprint_is_that_of_rfc_7638() -> None:
    key = {
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE"
             "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q"
             "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6"
             "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    }  # fmt: skip

    assert jws.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"}, {"use": "SIG"}, {"use": None}, {"use": ["sig"]},
        {"key_ops": ["encrypt"]}, {"key_ops": ["sign"]}, {"key_ops": []}, {"key_ops": "verify"}, {"key_ops": None},
        {"kid": ""}, {"kid": None}, {"kid": 1}, {"kid": ["a"]},
        {"alg": "none"}, {"alg": "HS256"}, {"alg": "PS256"}, {"alg": "ES384"}, {"alg": "ECDH-ES"}, {"alg": "RSA-OAEP"},
        {"alg": None}, {"alg": []}, {"alg": {}}, {"alg": "es256"},
        {"kty": "oct", "k": "AAAA"}, {"kty": "OKP"}, {"kty": None}, {"kty": "ec"}, {"kty": []},
        {"d": "AA"}, {"p": "AA"}, {"q": "AA"}, {"dp": "AA"}, {"dq": "AA"}, {"qi": "AA"}, {"oth": []}, {"k": "AA"},
    ],
    ids=str,
)  # fmt: skip
def test_key_that_is_not_for_verifying_is_refused(algorithm: str, changes: dict[str, Any]) -> None:
    with pytest.raises(jws.WeakKeyError):
        jws.verifying_key_from_jwk(public_jwk(algorithm) | changes)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_key_without_kid_or_algorithm_is_refused(algorithm: str) -> None:
    for name in ("kid", "alg", "kty"):
        with pytest.raises(jws.WeakKeyError):
            jws.verifying_key_from_jwk({key: value for key, value in public_jwk(algorithm).items() if key != name})


def test_algorithm_of_the_other_kind_is_refused() -> None:
    for algorithm, other in (("ES256", "RS256"), ("RS256", "ES256")):
        with pytest.raises(jws.WeakKeyError):
            jws.verifying_key_from_jwk(public_jwk(algorithm) | {"alg": other})


@pytest.mark.parametrize(
    "value", [None, 1, True, [], {}, "", "=", "A", "AA==", "***", "\u00e9", "\ud800", "AAAA AAAA"], ids=repr
)
@pytest.mark.parametrize(
    ("algorithm", "name"), [("ES256", "x"), ("ES256", "y"), ("ES256", "crv"), ("RS256", "n"), ("RS256", "e")]
)
def test_malformed_number_is_refused(algorithm: str, name: str, value: object) -> None:
    with pytest.raises(jws.WeakKeyError):
        jws.verifying_key_from_jwk(public_jwk(algorithm) | {name: value})
    with pytest.raises(jws.WeakKeyError):
        jws.verifying_key_from_jwk({key: text for key, text in public_jwk(algorithm).items() if key != name})


@pytest.mark.parametrize(
    "point",
    [(0, 0), (0, 1), (1, 1), (P256_PRIME, 0), (P256_PRIME - 1, P256_PRIME - 1), (2**256 - 1, 2**256 - 1)],
    ids=str,
)
def test_point_that_is_not_on_the_curve_is_refused(point: tuple[int, int]) -> None:
    x, y = (encode(number.to_bytes(32)) for number in point)

    with pytest.raises(jws.WeakKeyError):
        jws.verifying_key_from_jwk(public_jwk("ES256") | {"x": x, "y": y})


def test_point_of_another_length_is_refused() -> None:
    x = decode(public_jwk("ES256")["x"])

    for other in (b"\0" + x, x[1:], x + b"\0"):
        with pytest.raises(jws.WeakKeyError):
            jws.verifying_key_from_jwk(public_jwk("ES256") | {"x": encode(other)})


@pytest.mark.parametrize("curve", ["P-384", "P-521", "secp256k1", "P-256K", "p-256", "Ed25519"])
def test_other_curve_is_refused(curve: str) -> None:
    with pytest.raises(jws.WeakKeyError):
        jws.verifying_key_from_jwk(public_jwk("ES256") | {"crv": curve})


@pytest.mark.parametrize("padding", [0, 128, 1024])
def test_short_modulus_is_refused_however_it_is_padded(padding: int) -> None:
    modulus = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key().public_numbers().n

    with pytest.raises(jws.WeakKeyError):
        jws.verifying_key_from_jwk(public_jwk("RS256") | {"n": encode(bytes(padding) + modulus.to_bytes(128))})


@pytest.mark.parametrize("exponent", [b"\0", b"\1", b"\2", b"\1\0\0", b"\xff" * 600])
def test_unusable_exponent_is_refused(exponent: bytes) -> None:
    with pytest.raises(jws.WeakKeyError):
        jws.verifying_key_from_jwk(public_jwk("RS256") | {"e": encode(exponent)})


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("RS256", lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        ("ES256", lambda: ec.generate_private_key(ec.SECP384R1())),
        ("ES256", lambda: ec.generate_private_key(ec.SECP256K1())),
        ("ES256", lambda: ed25519.Ed25519PrivateKey.generate()),
        ("RS256", lambda: ec.generate_private_key(ec.SECP256R1())),
        ("ES256", lambda: dsa.generate_private_key(1024)),
        ("HS256", lambda: ec.generate_private_key(ec.SECP256R1())),
        ("none", lambda: ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_private_key_of_another_kind_does_not_sign(algorithm: str, make: Any) -> None:
    with pytest.raises(jws.WeakKeyError):
        jose.signing_key_from_pem(private_pem(make()), algorithm)


def test_new_elliptic_key_is_on_p_256_and_no_two_are_alike() -> None:
    keys = [serialization.load_pem_private_key(jose.generate_private_pem("ES256"), password=None) for _ in range(4)]

    secrets = set()
    for key in keys:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert isinstance(key.curve, ec.SECP256R1)
        secrets.add(key.private_numbers().private_value)
    assert len(secrets) == 4
    # None is from a small range: of a random number below 2**256, 32 leading zeros are one in four thousand millions.
    assert min(secrets).bit_length() > 224


def test_new_rsa_key_has_3072_bits_and_two_random_primes_that_are_far_apart() -> None:
    keys = [serialization.load_pem_private_key(jose.generate_private_pem("RS256"), password=None) for _ in range(2)]

    primes = set()
    for key in keys:
        assert isinstance(key, rsa.RSAPrivateKey)
        numbers = key.private_numbers()
        assert (key.key_size, numbers.public_numbers.e) == (3072, 65537)
        # FIPS 186-5, section A.1.3: what Fermat's method of factoring needs is not there.
        assert abs(numbers.p - numbers.q) > 2 ** (3072 // 2 - 100)
        # Nor what Wiener's needs.
        assert numbers.d > 2 ** (3072 // 2)
        primes |= {numbers.p, numbers.q}
    assert len(primes) == 4


@pytest.mark.parametrize("algorithm", ["HS256", "none", "PS256", ""])
def test_only_the_two_algorithms_have_private_keys(algorithm: str) -> None:
    with pytest.raises(jws.WeakKeyError):
        jose.generate_private_pem(algorithm)


def test_shared_secret_has_at_least_32_bytes() -> None:
    for length in (0, 1, 31):
        with pytest.raises(jws.WeakKeyError):
            jose.signing_key_from_secret(b"s" * length)

    key = jose.signing_key_from_secret(b"s" * 32)

    assert (key.algorithm, key.verifying.jwk) == ("HS256", None)
    assert verify(jose.sign(good_claims(), key, typ="at+jwt"), {key.kid: key.verifying}) == good_claims()


@pytest.mark.parametrize("algorithm", [*ASYMMETRIC, "HS256"])
def test_key_does_not_show_itself(algorithm: str) -> None:
    key = signing_key(algorithm)

    assert repr(key) == f"SigningKey(verifying=VerifyingKey(kid={key.kid!r}, algorithm={algorithm!r}))"
