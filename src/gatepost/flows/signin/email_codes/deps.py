"""What the routes of codes by mail ask for."""

from typing import Annotated

from fastapi import Depends

from gatepost.flows.signin.email_codes.cookies import EmailCodeCookies
from gatepost.flows.signin.email_codes.service import EmailCodeSignIn
from gatepost.http.deps import provided

EmailCodeSignInDep = Annotated[EmailCodeSignIn, Depends(provided(EmailCodeSignIn))]
EmailCodeCookiesDep = Annotated[EmailCodeCookies, Depends(provided(EmailCodeCookies))]
