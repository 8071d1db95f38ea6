"""What the account routes ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.accounts.leaving import LeavingService
from gatepost.accounts.service import AccountService
from gatepost.accounts.sign_up import SignUpService
from gatepost.http.deps import provided

AccountServiceDep = Annotated[AccountService, Depends(provided(AccountService))]
SignUpServiceDep = Annotated[SignUpService, Depends(provided(SignUpService))]
LeavingServiceDep = Annotated[LeavingService, Depends(provided(LeavingService))]
