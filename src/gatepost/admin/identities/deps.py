"""What the route of other people's identities asks for."""

from typing import Annotated

from fastapi import Depends

from gatepost.admin.identities.service import IdentityRemoval
from gatepost.http.deps import provided

IdentityRemovalDep = Annotated[IdentityRemoval, Depends(provided(IdentityRemoval))]
