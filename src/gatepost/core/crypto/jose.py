"""Creates signed tokens and their keys. The only file that imports python-jose; `core/crypto/jws.py` verifies."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk
from jose.backends.base import Key

from gatepost.core.crypto.base64url import encode
from gatepost.core.crypto.jws import SHORTEST_RSA_BITS, VerifyingKey, WeakKeyError, thumbprint

SHORTEST_HMAC_BYTES = 32
# The only ASCII characters whose base64url form can contain `-` or `_`, which `atob` refuses.
ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in ">?~\x7f"}
NEW_RSA_BITS = 3072  # as strong as P-256 (NIST SP 800-57, part 1, table 2)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that signs, and the key that verifies its signatures."""

    verifying: VerifyingKey
    key: Key = field(repr=False, compare=False)

    @property
    def kid(self) -> str:
        """The name of the key in token headers: its thumbprint."""
        return self.verifying.kid

    @property
    def algorithm(self) -> str:
        """The only algorithm that the key is used with."""
        return self.verifying.algorithm


def generate_private_pem(algorithm: str) -> bytes:
    """Create a private key for ES256 or RS256, as PKCS #8 in PEM.

    Raises:
        WeakKeyError: the algorithm is another one.
    """
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    match algorithm:
        case "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        case "RS256":
            private = rsa.generate_private_key(public_exponent=65537, key_size=NEW_RSA_BITS)
        case _:
            raise WeakKeyError(f"{algorithm} has no private key")
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signing_key_from_pem(pem: bytes, algorithm: str) -> SigningKey:
    """Build a signing key from PKCS #8.

    Raises:
        WeakKeyError: the key is RSA below 2048 bits, on a curve other than P-256, or of another type.
    """
    private = serialization.load_pem_private_key(pem, password=None)
    match algorithm, private:
        case "ES256", ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            pass
        case "RS256", rsa.RSAPrivateKey(key_size=size) if size >= SHORTEST_RSA_BITS:
            pass
        case _:
            raise WeakKeyError(f"the key is not fit for {algorithm}")
    key = jwk.construct(pem.decode("ascii"), algorithm)
    # The members of RSA keys are bytes.
    members = {
        name: str(value, "ascii") if isinstance(value, bytes) else value
        for name, value in key.public_key().to_dict().items()
    }
    members |= {"alg": algorithm, "use": "sig", "kid": thumbprint(members)}
    return SigningKey(VerifyingKey(members["kid"], algorithm, members, private.public_key()), key)


def signing_key_from_secret(secret: bytes) -> SigningKey:
    """Build an HS256 key from a shared secret.

    Raises:
        WeakKeyError: the secret is shorter than 32 bytes (RFC 7518, section 3.2).
    """
    if len(secret) < SHORTEST_HMAC_BYTES:
        raise WeakKeyError(f"a secret of HS256 has at least {SHORTEST_HMAC_BYTES} bytes")
    key = jwk.construct({"kty": "oct", "k": encode(secret)}, "HS256")
    kid = encode(hashlib.sha256(b"gatepost kid" + secret).digest()[:16])
    return SigningKey(VerifyingKey(kid, "HS256", None, secret), key)


def sign(claims: Mapping[str, Any], key: SigningKey, *, typ: str) -> str:
    """Return the claims as a signed token in compact form (RFC 7515).

    JavaScript's `atob`, which supports neither UTF-8 nor base64url, can read all but the signature.
    """
    header = {"alg": key.algorithm, "kid": key.kid, "typ": typ}
    message = f"{_json_segment(header)}.{_json_segment(claims)}"
    return f"{message}.{encode(key.key.sign(message.encode()))}"


def _json_segment(value: Mapping[str, Any]) -> str:
    return encode(json.dumps(value, separators=(",", ":")).translate(ESCAPED).encode("ascii"))
