"""A verifier with a key of each algorithm, made once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from gatepost.core.crypto import jose, jws
from tests.support.attacks.target import Target

ISSUER = "http://localhost:8080"
AUDIENCE = "gatepost"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECRET = b"a secret of this test alone, of more than 32 bytes"


@cache
def signing_key(algorithm: str) -> jose.SigningKey:
    """Return the key of an algorithm."""
    if algorithm == "HS256":
        return jose.signing_key_from_secret(SECRET)
    return jose.signing_key_from_pem(jose.generate_private_pem(algorithm), algorithm)


def good_claims() -> dict[str, Any]:
    """Return claims that are accepted now."""
    now = int(NOW.timestamp())
    return {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "1", "client_id": "gatepost", "iat": now, "exp": now + 3600,
        "jti": "a1", "sid": "1", "username": "Abbey Salami", "roles": ["user"], "permissions": [], "ver": 0,
    }  # fmt: skip


def target(algorithm: str) -> Target:
    """Return a verifier under attack."""
    return Target(signing_key(algorithm), good_claims(), trap="http://127.0.0.1:1")


def verify(token: str, keys: Mapping[str, jws.VerifyingKey] | None = None) -> dict[str, Any]:
    """Verify as the service does, with the keys of all algorithms in the ring."""
    ring = {key.kid: key.verifying for key in map(signing_key, ("ES256", "RS256", "HS256"))}
    return jws.verify(
        token, ring if keys is None else keys, typ="at+jwt", issuer=ISSUER, audience=AUDIENCE, now=NOW
    )  # fmt: skip
