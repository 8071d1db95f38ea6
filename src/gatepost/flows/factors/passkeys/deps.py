"""What the routes of passkeys ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.factors.passkeys.service import PasskeyService
from gatepost.http.deps import provided

PasskeyServiceDep = Annotated[PasskeyService, Depends(provided(PasskeyService))]
