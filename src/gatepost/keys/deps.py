"""What the key routes ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.access.deps import require_permission
from gatepost.access.principal import Permission
from gatepost.http.deps import provided
from gatepost.keys.life import KeyHistory
from gatepost.keys.ring import KeyRing

KeyRingDep = Annotated[KeyRing, Depends(provided(KeyRing))]
KeyHistoryDep = Annotated[KeyHistory, Depends(provided(KeyHistory))]

CanReadKeys = Depends(require_permission(Permission.KEYS_READ))
