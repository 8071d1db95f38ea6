"""Dependencies of routes that publish keys."""

from typing import Annotated

from fastapi import Depends

from gatepost.http.deps import provided
from gatepost.identity.keys.ring import KeyRing

KeyRingDep = Annotated[KeyRing, Depends(provided(KeyRing))]
