"""The keys that an issuer publishes (RFC 7517)."""

from collections.abc import Mapping
from typing import Any

from gatepost.core.crypto import jws


class IssuerError(Exception):
    """The issuer cannot be followed; the message says why and what to do."""


def keys_of(body: Mapping[str, Any]) -> dict[str, jws.VerifyingKey]:
    """Return the keys of a JWK Set by `kid`.

    Raises:
        IssuerError: it is malformed, or has no key that we support.
    """
    members = body.get("keys")
    if not isinstance(members, list):
        raise IssuerError("the issuer's JWK Set has another form than we know")
    keys = {key.kid: key for key in map(_verifying_key, members) if key is not None}
    if not keys:
        raise IssuerError(
            "the issuer publishes no key that we can use; if it signs with HS256, ask /oauth/introspect instead"
        )
    return keys


def _verifying_key(members: object) -> jws.VerifyingKey | None:
    """Return a key of the set; None for one that we do not support, which is ignored (RFC 7517, section 5)."""
    try:
        return jws.verifying_key_from_jwk(members) if isinstance(members, dict) else None
    except jws.WeakKeyError:
        return None
