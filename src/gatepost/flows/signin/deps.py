"""What the sign-in routes ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.signin.service import SignInService
from gatepost.http.deps import provided

SignInServiceDep = Annotated[SignInService, Depends(provided(SignInService))]
