"""What the key routes ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.http.deps import provided
from gatepost.keys.ring import KeyRing

KeyRingDep = Annotated[KeyRing, Depends(provided(KeyRing))]
