"""Dependencies of the key route."""

from typing import Annotated

from fastapi import Depends

from gatepost.admin.keys.timeline import KeyHistory
from gatepost.http.deps import provided
from gatepost.identity.access.deps import require_permission
from gatepost.identity.accounts.roles import Permission

KeyHistoryDep = Annotated[KeyHistory, Depends(provided(KeyHistory))]

CanReadKeys = Depends(require_permission(Permission.KEYS_READ))
