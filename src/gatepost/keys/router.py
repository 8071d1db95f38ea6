"""The public keys, over HTTP."""

from typing import Any

from fastapi import APIRouter, Response

from gatepost.keys.deps import KeyRingDep
from gatepost.keys.ring import PUBLISHED_SECONDS

router = APIRouter(prefix="/.well-known", tags=["for other services"])


@router.get("/jwks.json", summary="The public keys (RFC 7517)")
async def jwks(response: Response, keys: KeyRingDep) -> dict[str, Any]:
    """Every key whose tokens are good, and the one that will sign next; empty with HS256."""
    response.headers["Cache-Control"] = f"public, max-age={PUBLISHED_SECONDS}"
    return keys.jwks()
