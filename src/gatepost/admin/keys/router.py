"""The life of the signing keys, over HTTP, for whoever looks after the service."""

from fastapi import APIRouter

from gatepost.admin.keys.deps import CanReadKeys, KeyHistoryDep
from gatepost.admin.keys.schemas import KeysResponse
from gatepost.http.openapi import problems
from gatepost.identity.access.errors import PermissionRequired

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
