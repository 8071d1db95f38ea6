"""What the invitation routes ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.http.deps import provided
from gatepost.invitations.service import InvitationService

InvitationServiceDep = Annotated[InvitationService, Depends(provided(InvitationService))]
