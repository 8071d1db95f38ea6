"""The route that shows the signing keys to operators."""

from fastapi import APIRouter

from gatepost.admin.keys.deps import CanReadKeys, KeyHistoryDep
from gatepost.admin.keys.schemas import KeysResponse
from gatepost.http.openapi import problems
from gatepost.identity.access.errors import PermissionRequired

router = APIRouter(prefix="/api/admin/keys", tags=["administration"])


@router.get(
    "",
    summary="List the signing keys",
    dependencies=[CanReadKeys],
    responses=problems(PermissionRequired),
)
async def list_keys(keys: KeyHistoryDep) -> KeysResponse:
    """When each key was created, when it signs, and when it may be retired. Retired keys are listed as long as the
    audit log has them.

    Requires `keys:read`. To rotate and retire keys, use `gatepost keys`.
    """
    return KeysResponse.of(await keys.read())
