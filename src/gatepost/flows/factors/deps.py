"""What the routes of second factors ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.factors.service import FactorService
from gatepost.flows.factors.trusted_devices import TrustedDeviceService
from gatepost.http.deps import provided

FactorServiceDep = Annotated[FactorService, Depends(provided(FactorService))]
TrustedDeviceServiceDep = Annotated[TrustedDeviceService, Depends(provided(TrustedDeviceService))]
