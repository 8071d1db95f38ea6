"""Dependencies of the recovery routes."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.recovery.addresses import AddressService
from gatepost.flows.recovery.compromise import CompromiseReports
from gatepost.flows.recovery.passwords import PasswordService
from gatepost.http.deps import provided

PasswordServiceDep = Annotated[PasswordService, Depends(provided(PasswordService))]
AddressServiceDep = Annotated[AddressService, Depends(provided(AddressService))]
CompromiseReportsDep = Annotated[CompromiseReports, Depends(provided(CompromiseReports))]
