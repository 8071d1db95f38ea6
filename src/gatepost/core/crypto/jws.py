"""Verifies signed tokens strictly. Needs only `cryptography`, because other services install it with the SDK.

It follows RFC 8725: one algorithm per key, only keys that we chose, exactly three header members, canonical base64url,
strict JSON, typed claims. `core/crypto/jose.py` creates the tokens.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gatepost.core import strict_json
from gatepost.core.crypto import ed25519
from gatepost.core.crypto.base64url import decode, encode

LONGEST_TOKEN = 8192
LARGEST_TIME = 2**53
SHORTEST_RSA_BITS = 2048
# By algorithm: the curve, its name, the bytes of a coordinate, and the hash (RFC 7518, sections 3.4 and 6.2.1.1).
CURVES: Mapping[object, tuple[ec.EllipticCurve, str, int, hashes.HashAlgorithm]] = {
    "ES256": (ec.SECP256R1(), "P-256", 32, hashes.SHA256()),
    "ES384": (ec.SECP384R1(), "P-384", 48, hashes.SHA384()),
}
# What our own tokens are signed with, and published keys are for.
OWN_ALGORITHMS = frozenset({"ES256", "RS256"})
HEADER_MEMBERS = {"alg", "kid", "typ"}
# The members of public keys, in the order of RFC 7638, and those of private and symmetric keys (RFC 7518).
EC_MEMBERS: tuple[str, ...] = ("crv", "kty", "x", "y")
RSA_MEMBERS: tuple[str, ...] = ("e", "kty", "n")
OKP_MEMBERS: tuple[str, ...] = ("crv", "kty", "x")
SECRET_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
# The clocks of two machines may differ by this much.
CLOCK_SKEW = timedelta(seconds=60)

# Bytes are a shared secret.
KeyMaterial = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | Ed25519PublicKey | bytes


class TokenRefusedError(Exception):
    """The text is not a valid token for this use."""


class TokenExpiredError(TokenRefusedError):
    """The token is past its `exp`, and valid apart from that."""


class WeakKeyError(ValueError):
    """The key is too short, or not of the type that the algorithm needs."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A trusted key with its only algorithm. `jwk` is the public key as a JWK, None for a shared secret."""

    kid: str
    algorithm: str
    jwk: Mapping[str, Any] | None = field(repr=False)
    key: KeyMaterial = field(repr=False, compare=False)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made this signature; False for malformed input."""
        try:
            match self.algorithm, self.key:
                case "ES256" | "ES384" as name, ec.EllipticCurvePublicKey() as key:
                    _, _, size, digest = CURVES[name]
                    if len(signature) != 2 * size:
                        return False
                    halves = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
                    key.verify(encode_dss_signature(*halves), message, ec.ECDSA(digest))
                    return True
                case "RS256", rsa.RSAPublicKey() as key:
                    key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
                    return True
                case "PS256", rsa.RSAPublicKey() as key:
                    # RFC 7518, section 3.5: the salt is as long as the hash.
                    pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
                    key.verify(signature, message, pss, hashes.SHA256())
                    return True
                case "EdDSA", Ed25519PublicKey() as key:
                    key.verify(signature, message)
                    return True
                case "HS256", bytes() as secret:
                    return hmac.compare_digest(hmac.digest(secret, message, "sha256"), signature)
        except Exception:  # noqa: BLE001  InvalidSignature, and anything a backend raises on malformed input
            return False
        return False


def verifying_key_from_jwk(members: Mapping[str, Any], *, algorithms: Collection[str] = OWN_ALGORITHMS) -> VerifyingKey:
    """Build a public key for one of these algorithms from a member of a JWK Set (RFC 7517) whose publisher is trusted.

    Raises:
        WeakKeyError: the key is private, symmetric, too short, not for signatures, or malformed.
    """
    algorithm, kid = members.get("alg"), members.get("kid")
    use, operations = members.get("use", "sig"), members.get("key_ops", ["verify"])
    if not isinstance(kid, str) or not kid:
        raise WeakKeyError("a key without a kid")
    if use != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise WeakKeyError("a key that is not for verifying")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise WeakKeyError("a key of a kind that we do not use")
    if SECRET_MEMBERS & members.keys():
        raise WeakKeyError("a key that should be secret")
    try:
        public, names = _public_key(members, algorithm)
        shown = {name: members[name] for name in names} | {"alg": algorithm, "use": "sig", "kid": kid}
        return VerifyingKey(kid, str(algorithm), shown, public)
    except WeakKeyError:
        raise
    except Exception as error:
        raise WeakKeyError("a malformed key") from error


def thumbprint(members: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a public key (RFC 7638)."""
    names = EC_MEMBERS if members["kty"] == "EC" else RSA_MEMBERS
    canonical = json.dumps({name: members[name] for name in names}, separators=(",", ":"))
    return encode(hashlib.sha256(canonical.encode()).digest())


def verify(
    token: str,
    keys: Mapping[str, VerifyingKey],
    *,
    typ: str,
    issuer: str,
    audience: str,
    now: datetime,
    expired_too: bool = False,
) -> dict[str, Any]:
    """Return the claims of a valid token; `iss`, `aud`, `sub`, `jti`, `iat` and `exp` are present and typed.

    With `expired_too` the token may be past its `exp`.

    Raises:
        TokenExpiredError: the token is past its `exp`, and valid apart from that.
        TokenRefusedError: anything else is wrong with it.
    """
    try:
        claims = _signed_claims(token, keys, typ)
        _check_claims(claims, issuer=issuer, audience=audience, now=now)
    except TokenExpiredError:
        if not expired_too:
            raise
    except TokenRefusedError:
        raise
    except Exception as error:
        # Any exception of a parser or a backend is caused by the token.
        raise TokenRefusedError("not readable") from error
    return claims


def key_id(token: object) -> str:
    """Return the `kid` in a token's header, unverified; empty if there is none.

    Raises:
        TokenRefusedError: the token is not text, is too long, or its header cannot be read.
    """
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        raise TokenRefusedError("not a compact token")
    return str(_header(token.partition(".")[0]).get("kid", ""))


def split(token: object, *, longest: int = LONGEST_TOKEN) -> tuple[str, str, bytes, bytes]:
    """Return a compact token's segments of header and claims, what is signed, and the signature.

    Raises:
        TokenRefusedError: it has another form, or is longer than that.
    """
    if not isinstance(token, str) or len(token) > longest or not token.isascii() or token.count(".") != 2:
        raise TokenRefusedError("not a compact token")
    message, _, signature = token.rpartition(".")
    header, _, claims = message.partition(".")
    try:
        return header, claims, message.encode("ascii"), decode(signature)
    except ValueError:
        raise TokenRefusedError("not base64url") from None


def json_object(segment: str, *, max_depth: int) -> dict[str, Any]:
    """Return the JSON object of a segment.

    Raises:
        TokenRefusedError: it is none, not strict, or nested deeper than that.
    """
    try:
        value = strict_json.loads(decode(segment), max_depth=max_depth)
    except ValueError:
        raise TokenRefusedError("not strict JSON in base64url") from None
    if not isinstance(value, dict):
        raise TokenRefusedError("not a JSON object")
    return value


def _signed_claims(token: str, keys: Mapping[str, VerifyingKey], typ: str) -> dict[str, Any]:
    """Return the claims of a token that one of our keys has signed."""
    header_segment, claims_segment, message, signature = split(token)
    header = _header(header_segment)
    if header.keys() != HEADER_MEMBERS or header["typ"] != typ or not isinstance(header["kid"], str):
        raise TokenRefusedError("a header that we do not write")
    key = keys.get(header["kid"])
    if key is None or key.algorithm != header["alg"]:
        raise TokenRefusedError("not a key of ours")
    if not key.verify(message, signature):
        raise TokenRefusedError("the signature does not fit")
    return json_object(claims_segment, max_depth=8)


def _public_key(members: Mapping[str, Any], algorithm: object) -> tuple[KeyMaterial, tuple[str, ...]]:
    """Return the key, checked by its decoded numbers, and the names of the members that it consists of."""
    match algorithm, members.get("kty"), members.get("crv"):
        case "ES256" | "ES384", "EC", name if name == CURVES[algorithm][1]:
            curve, _, size, _ = CURVES[algorithm]
            x, y = decode(members["x"]), decode(members["y"])
            if (len(x), len(y)) != (size, size):
                raise WeakKeyError(f"a point of another length than {name} has")
            return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve).public_key(), EC_MEMBERS
        case "EdDSA", "OKP", "Ed25519":
            return ed25519.public_key(decode(members["x"])), OKP_MEMBERS
        case "RS256" | "PS256", "RSA", _:
            modulus, exponent = int.from_bytes(decode(members["n"])), int.from_bytes(decode(members["e"]))
            if modulus.bit_length() < SHORTEST_RSA_BITS:
                raise WeakKeyError(f"an RSA key has at least {SHORTEST_RSA_BITS} bits")
            return rsa.RSAPublicNumbers(exponent, modulus).public_key(), RSA_MEMBERS
        case _:
            raise WeakKeyError("a key of a kind that we do not use")


def _check_claims(claims: dict[str, Any], *, issuer: str, audience: str, now: datetime) -> None:
    if claims.get("iss") != issuer or claims.get("aud") != audience:
        raise TokenRefusedError("from another issuer, or for another audience")
    if not all(isinstance(claims.get(name), str) and claims[name] for name in ("sub", "jti")):
        raise TokenRefusedError("no subject, or no id")
    latest = (now + CLOCK_SKEW).timestamp()
    if _time(claims, "iat") > latest or ("nbf" in claims and _time(claims, "nbf") > latest):
        raise TokenRefusedError("not yet valid")
    if _time(claims, "exp") <= now.timestamp():
        raise TokenExpiredError("expired")


def _time(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    # bool is an int in Python.
    if type(value) is not int or not 0 <= value <= LARGEST_TIME:
        raise TokenRefusedError(f"{name} is not a time")
    return value


@lru_cache(maxsize=64)
def _header(segment: str) -> Mapping[str, Any]:
    """Read a header; it is the same for all tokens of a key."""
    return json_object(segment, max_depth=1)
