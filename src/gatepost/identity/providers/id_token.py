"""A strict check of ID tokens (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gatepost.core.crypto import base64url, jws
from gatepost.identity.providers.key_set import ALGORITHMS, ProviderKey, named
from gatepost.identity.providers.profile import is_key
from gatepost.identity.providers.provider import ProviderRefused, Refusal

# Some providers put all groups of a person in.
LONGEST_ID_TOKEN = 64 * 1024
LONGEST_KEY_NAME = 255
# A token of another kind, such as an access token, says so here (RFC 8725, section 3.11).
TYPE = "JWT"
# OpenID Connect Core 1.0, section 3.1.3.6: the hash of the algorithm. For Ed25519 that is SHA-512.
HASHES = {"ES384": hashlib.sha384, "EdDSA": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Expected:
    """What the token has to say. `nonce` is None for a provider that never repeats it."""

    issuer: str
    client_id: str
    nonce: str | None = field(repr=False)
    access_token: str | None = field(repr=False)
    now: datetime


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token as it came: nothing of it is to be believed. `kid` and `algorithm` tell which key to look for."""

    kid: str | None
    algorithm: str
    claims: Mapping[str, Any] = field(repr=False)
    message: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def read(token: object) -> UnverifiedToken:
    """Read a token.

    Raises:
        ProviderRefused: ID_TOKEN; it has another form, or asks for something that we do not know (`crit`).
    """
    try:
        header_segment, claims_segment, message, signature = jws.split(token, longest=LONGEST_ID_TOKEN)
        header = jws.json_object(header_segment, max_depth=3)
        claims = jws.json_object(claims_segment, max_depth=16)
    except jws.TokenRefusedError as error:
        raise ProviderRefused(Refusal.ID_TOKEN, str(error)) from None
    kid, algorithm = header.get("kid"), named(header.get("alg"))
    if algorithm not in ALGORITHMS:
        raise ProviderRefused(Refusal.ID_TOKEN, "an algorithm that is not accepted")
    if "crit" in header or "b64" in header or str(header.get("typ", TYPE)).upper() != TYPE:
        raise ProviderRefused(Refusal.ID_TOKEN, "another kind of token")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= LONGEST_KEY_NAME):
        raise ProviderRefused(Refusal.ID_TOKEN, "a kid that is no name")
    return UnverifiedToken(kid, algorithm, claims, message, signature)


def verify(token: UnverifiedToken, key: ProviderKey | None, expected: Expected) -> Mapping[str, Any]:
    """Return the claims; `iss`, `sub`, `aud`, `exp` and `iat` are there and typed.

    Raises:
        ProviderRefused: it is not a good token; the reason says why.
    """
    if key is None or not key.verifying.verify(token.message, token.signature):
        raise ProviderRefused(Refusal.SIGNATURE)
    claims = token.claims
    if claims.get("iss") != expected.issuer or not key.signs_for(expected.issuer, claims.get("tid")):
        raise ProviderRefused(Refusal.ISSUER)
    _check_audience(claims, expected.client_id)
    if not is_key(claims.get("sub")):
        raise ProviderRefused(Refusal.ID_TOKEN, "no subject")
    _check_times(claims, expected.now)
    nonce = claims.get("nonce")
    if expected.nonce is not None and not _same(nonce, expected.nonce):
        raise ProviderRefused(Refusal.NONCE)
    if "at_hash" in claims and expected.access_token is not None:
        digest = HASHES.get(token.algorithm, hashlib.sha256)(expected.access_token.encode()).digest()
        if not _same(claims["at_hash"], base64url.encode(digest[: len(digest) // 2])):
            raise ProviderRefused(Refusal.ACCESS_TOKEN_HASH)
    return claims


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    audience, party = claims.get("aud"), claims.get("azp")
    several = audience if isinstance(audience, list) else [audience]
    # Points 3 to 5: one of several audiences is the one that the token was made for.
    if client_id not in several or (len(several) > 1 and party is None) or party not in (None, client_id):
        raise ProviderRefused(Refusal.AUDIENCE)


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    earliest, latest = (now - jws.CLOCK_SKEW).timestamp(), (now + jws.CLOCK_SKEW).timestamp()
    if _time(claims, "iat") > latest or _time(claims, "nbf", without=0) > latest or _time(claims, "exp") <= earliest:
        raise ProviderRefused(Refusal.EXPIRED)


def _time(claims: Mapping[str, Any], name: str, *, without: int | None = None) -> int:
    value = claims.get(name, without)
    # bool is an int in Python.
    if type(value) is not int or not 0 <= value <= jws.LARGEST_TIME:
        raise ProviderRefused(Refusal.ID_TOKEN, f"{name} is no time")
    return value


def _same(said: object, wanted: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode("utf-8", "replace"), wanted.encode())
