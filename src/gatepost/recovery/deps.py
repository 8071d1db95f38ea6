"""What the routes of proving and recovering ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.http.deps import provided
from gatepost.recovery.addresses import AddressService
from gatepost.recovery.not_me import NotMeService
from gatepost.recovery.passwords import PasswordService

PasswordServiceDep = Annotated[PasswordService, Depends(provided(PasswordService))]
AddressServiceDep = Annotated[AddressService, Depends(provided(AddressService))]
NotMeServiceDep = Annotated[NotMeService, Depends(provided(NotMeService))]
