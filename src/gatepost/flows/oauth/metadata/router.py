"""The route of the public keys."""

from typing import Any

from fastapi import APIRouter, Response

from gatepost.identity.keys.deps import KeyRingDep
from gatepost.identity.keys.ring import PUBLISHED_SECONDS

router = APIRouter(prefix="/.well-known", tags=["for other services"])

EXAMPLE = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "use": "sig",
            "kid": "9bYk2mSxW3",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        }
    ]
}


@router.get(
    "/jwks.json",
    summary="The public keys (RFC 7517)",
    responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def jwks(response: Response, keys: KeyRingDep) -> dict[str, Any]:
    """Every key whose tokens are valid, and the key that will sign next. Empty with HS256."""
    response.headers["Cache-Control"] = f"public, max-age={PUBLISHED_SECONDS}"
    return keys.jwks()
