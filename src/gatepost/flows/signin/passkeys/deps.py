"""What the routes of signing in with a passkey ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.http.deps import provided
from gatepost.identity.credentials.passkeys.method import PasskeyMethod
from gatepost.identity.credentials.passkeys.signing_in import PasskeySignIn

PasskeyMethodDep = Annotated[PasskeyMethod, Depends(provided(PasskeyMethod))]
PasskeySignInDep = Annotated[PasskeySignIn, Depends(provided(PasskeySignIn))]
