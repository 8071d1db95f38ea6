"""Dependencies of the invitation routes."""

from typing import Annotated

from fastapi import Depends

from gatepost.admin.invitations.service import InvitationService
from gatepost.http.deps import provided

InvitationServiceDep = Annotated[InvitationService, Depends(provided(InvitationService))]
