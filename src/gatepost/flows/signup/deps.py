"""Dependencies of the sign-up routes."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.signup.passkeys import PasskeySignUp
from gatepost.flows.signup.service import SignUpService
from gatepost.http.deps import provided

SignUpServiceDep = Annotated[SignUpService, Depends(provided(SignUpService))]
PasskeySignUpDep = Annotated[PasskeySignUp, Depends(provided(PasskeySignUp))]
