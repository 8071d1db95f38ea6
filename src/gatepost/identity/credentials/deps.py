"""What routes ask for that want a proof once more."""

from typing import Annotated

from fastapi import Depends

from gatepost.http.deps import provided
from gatepost.identity.credentials.reauthentication import Reauthentication

ReauthenticationDep = Annotated[Reauthentication, Depends(provided(Reauthentication))]
