"""What the account routes ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.signup.service import SignUpService
from gatepost.http.deps import provided
from gatepost.identity.privacy.deletion import LeavingService
from gatepost.identity.registration.service import AccountService

AccountServiceDep = Annotated[AccountService, Depends(provided(AccountService))]
SignUpServiceDep = Annotated[SignUpService, Depends(provided(SignUpService))]
LeavingServiceDep = Annotated[LeavingService, Depends(provided(LeavingService))]
