"""What routes ask for that want a proof."""

from typing import Annotated

from fastapi import Depends

from gatepost.http.deps import provided
from gatepost.identity.credentials.password import PasswordMethod
from gatepost.identity.credentials.reauthentication import Reauthentication

PasswordMethodDep = Annotated[PasswordMethod, Depends(provided(PasswordMethod))]
ReauthenticationDep = Annotated[Reauthentication, Depends(provided(Reauthentication))]
