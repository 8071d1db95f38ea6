"""Signatures of others: test vectors of RFCs, and what verifiers have got wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gatepost.core.crypto import base64url
from gatepost.core.crypto.ed25519 import SMALL_ORDER
from gatepost.core.crypto.jws import OWN_ALGORITHMS, VerifyingKey, WeakKeyError, verifying_key_from_jwk
from gatepost.identity.providers.key_set import ALGORITHMS
from tests.support.providers.keys import SigningKey

MESSAGE = b"header.claims"
# The order of the curve's group (RFC 8032, section 5.1).
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def key_of(jwk: dict[str, Any]) -> VerifyingKey:
    """Return a key of others."""
    return verifying_key_from_jwk(jwk, algorithms=ALGORITHMS)


def hexadecimal(text: str) -> bytes:
    """Return bytes."""
    return bytes.fromhex(text)


def test_example_of_rfc_8037_is_verified() -> None:
    key = key_of(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "kid": "a",
            "alg": "EdDSA",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }
    )
    message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

    assert key.verify(message, base64url.decode(signature))
    assert not key.verify(message + b"a", base64url.decode(signature))


def test_example_of_rfc_6979_is_verified_with_p_384() -> None:
    x = hexadecimal("EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13")
    y = hexadecimal("8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720")
    signature = hexadecimal(
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
        "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8"
    )
    jwk = {"kty": "EC", "crv": "P-384", "kid": "a", "alg": "ES384"}

    assert key_of(jwk | {"x": base64url.encode(x), "y": base64url.encode(y)}).verify(b"sample", signature)


def _der(key: SigningKey) -> bytes:
    curve_hash = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384()}[key.algorithm]
    signature: bytes = key.private.sign(MESSAGE, ec.ECDSA(curve_hash))
    return signature


def _padded(key: SigningKey) -> bytes:
    size = key.private.curve.key_size // 8
    r, s = decode_dss_signature(_der(key))
    return b"\0" + r.to_bytes(size) + b"\0" + s.to_bytes(size)


def _other_hash(key: SigningKey) -> bytes:
    size = key.private.curve.key_size // 8
    r, s = decode_dss_signature(key.private.sign(MESSAGE, ec.ECDSA(hashes.SHA512())))
    return r.to_bytes(size) + s.to_bytes(size)


def _malleable(key: SigningKey) -> bytes:
    signature: bytes = key.private.sign(MESSAGE)
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return signature[:32] + s.to_bytes(32, "little")


def _salted(length: int) -> Callable[[SigningKey], bytes]:
    def sign(key: SigningKey) -> bytes:
        signature: bytes = key.private.sign(
            MESSAGE, padding.PSS(padding.MGF1(hashes.SHA256()), length), hashes.SHA256()
        )
        return signature

    return sign


def _pkcs1(key: SigningKey) -> bytes:
    signature: bytes = key.private.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    return signature


@pytest.mark.parametrize(
    ("algorithm", "sign"),
    [
        *((algorithm, sign) for algorithm in ("ES256", "ES384") for sign in (_der, _padded, _other_hash)),
        *((algorithm, lambda _, n=n: bytes(n)) for algorithm in ("ES256", "ES384", "EdDSA") for n in (0, 64, 96)),
        ("EdDSA", _malleable),
        ("RS256", _salted(32)),
        ("PS256", _pkcs1),
        ("PS256", _salted(0)),
        ("PS256", _salted(20)),
    ],
)
def test_signature_of_another_form_is_refused(algorithm: str, sign: Callable[[SigningKey], bytes]) -> None:
    key = SigningKey(algorithm)

    assert not key_of(key.jwk()).verify(MESSAGE, sign(key))


@pytest.mark.parametrize("y", sorted(SMALL_ORDER))
@pytest.mark.parametrize("sign", [0, 2**255])
def test_ed25519_key_for_which_anybody_can_sign_is_refused(y: int, sign: int) -> None:
    x = base64url.encode((y + sign).to_bytes(32, "little"))

    with pytest.raises(WeakKeyError):
        key_of({"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA", "x": x})


@pytest.mark.parametrize("change", [{"crv": "P-256"}, {"alg": "ES256"}, {"alg": "HS384"}, {"alg": "none"}, {"y": "AA"}])
def test_key_whose_members_do_not_fit_together_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(WeakKeyError):
        key_of(SigningKey("ES384").jwk() | change)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS - OWN_ALGORITHMS))
def test_key_for_an_algorithm_that_we_do_not_sign_with_is_no_key_of_ours(algorithm: str) -> None:
    with pytest.raises(WeakKeyError):
        verifying_key_from_jwk(SigningKey(algorithm).jwk())


def test_key_of_wrong_length_is_refused() -> None:
    x = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()

    for wrong in (x[:31], x + b"\0"):
        with pytest.raises(WeakKeyError):
            key_of({"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA", "x": base64url.encode(wrong)})
