"""The life of the signing keys, over HTTP, for whoever looks after the service."""

from fastapi import APIRouter

from gatepost.access.errors import PermissionRequired
from gatepost.http.openapi import problems
from gatepost.keys.deps import CanReadKeys, KeyHistoryDep
from gatepost.keys.schemas import KeysResponse

router = APIRouter(prefix="/api/admin/keys", tags=["administration"])


@router.get(
    "",
    summary="The signing keys and their life",
    dependencies=[CanReadKeys],
    responses=problems(PermissionRequired),
)
async def list_keys(keys: KeyHistoryDep) -> KeysResponse:
    """When each was made, signs, and may be retired; keys that are gone too, as long as the audit log tells of them.

    Needs `keys:read`. Keys are rotated and retired by `gatepost keys`.
    """
    return KeysResponse.of(await keys.read())
