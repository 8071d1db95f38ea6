"""What the sign-in routes ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.http.deps import provided
from gatepost.signin.service import SignInService

SignInServiceDep = Annotated[SignInService, Depends(provided(SignInService))]
