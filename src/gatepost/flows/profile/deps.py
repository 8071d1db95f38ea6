"""Dependencies of the routes of the user's own account."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.profile.service import ProfileService
from gatepost.http.deps import provided
from gatepost.identity.privacy.deletion import DeletionService

ProfileServiceDep = Annotated[ProfileService, Depends(provided(ProfileService))]
DeletionServiceDep = Annotated[DeletionService, Depends(provided(DeletionService))]
