"""What the routes of identities ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.factors.identities.service import IdentityService
from gatepost.http.deps import provided

IdentityServiceDep = Annotated[IdentityService, Depends(provided(IdentityService))]
