"""Dependencies of the route for second factors."""

from typing import Annotated

from fastapi import Depends

from gatepost.admin.factors.service import FactorReset
from gatepost.http.deps import provided
from gatepost.identity.access.deps import require_permission
from gatepost.identity.accounts.roles import Permission

FactorResetDep = Annotated[FactorReset, Depends(provided(FactorReset))]

CanResetFactors = Depends(require_permission(Permission.FACTORS_RESET))
