"""What the account routes ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.accounts.service import AccountService
from gatepost.http.deps import provided

AccountServiceDep = Annotated[AccountService, Depends(provided(AccountService))]
