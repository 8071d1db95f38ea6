"""What the routes of signing in with another provider ask for."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from gatepost.flows.signin.providers.callback import Answer, ProviderCallback
from gatepost.flows.signin.providers.signing_in import ProviderSignIn
from gatepost.flows.signin.providers.starting import AuthorizationStart
from gatepost.http.deps import provided
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.assurance.deps import HandoutByCookie
from gatepost.identity.external.deps import AuthorizationCookieDep
from gatepost.identity.providers.registry import Providers
from gatepost.identity.sessions.deps import BrowsersDep, TokenCookiesDep
from gatepost.identity.sessions.handout import SignedIn
from gatepost.identity.throttling.deps import DeviceCookiesDep, RememberDevice
from gatepost.identity.throttling.devices import Device

# Of what providers send; longer ones are as good as none.
LONGEST_CODE, LONGEST_TEXT = 4096, 2048

PolicyDep = Annotated[AccountPolicy, Depends(provided(AccountPolicy))]
ProvidersDep = Annotated[Providers, Depends(provided(Providers))]
AuthorizationStartDep = Annotated[AuthorizationStart, Depends(provided(AuthorizationStart))]
ProviderCallbackDep = Annotated[ProviderCallback, Depends(provided(ProviderCallback))]
ProviderSignInDep = Annotated[ProviderSignIn, Depends(provided(ProviderSignIn))]
ProviderName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,31}$", max_length=32, examples=["google"])]


async def _answer(
    state: Annotated[str, Query(description="The state of the request, which is good once.", examples=["…"])] = "",
    code: Annotated[str, Query(examples=["…"])] = "",
    iss: Annotated[str | None, Query(description="RFC 9207.", examples=["https://login.acme.example"])] = None,
    error: Annotated[str, Query(examples=["access_denied"])] = "",
    user: Annotated[str | None, Query(description="Apple's.", examples=[None])] = None,
) -> Answer:
    return bounded_answer(state=state, code=code, iss=iss, error=error, user=user)


def bounded_answer(*, state: str, code: str, iss: str | None, error: str, user: str | None) -> Answer:
    """Return what a provider sends, without what is too long."""
    return Answer(
        state=state if len(state) <= LONGEST_TEXT else "",
        code=code if len(code) <= LONGEST_CODE else "",
        iss=iss if iss is None or len(iss) <= LONGEST_TEXT else "",
        error=error[:LONGEST_TEXT],
        user=user if user is None or len(user) <= LONGEST_TEXT else None,
    )


class ReturningBrowser(HandoutByCookie):
    """A browser that comes back from a provider; see `callback.Returning`."""

    def __init__(
        self,
        request: Request,
        response: Response,
        cookies: TokenCookiesDep,
        browsers: BrowsersDep,
        remember: RememberDevice,
        devices: DeviceCookiesDep,
        binding: AuthorizationCookieDep,
    ) -> None:
        super().__init__(request, response, cookies, browsers, remember)
        self._devices = devices
        self._binding = binding
        self.cookie = binding.read(request)

    def admit(self) -> Device:
        """Take it for the browser that was sent, although another site has led it here; return its device."""
        self._cookies.vouch_for(self._request)
        return self._devices.read(self._request)

    def keep(self) -> None:
        """Let it keep its cookie for some more time."""
        self._binding.renew(self._response, self.cookie)

    def sign_in(self, signed_in: SignedIn) -> None:
        """Give it the cookies of a session."""
        self.deliver(signed_in)


AnswerDep = Annotated[Answer, Depends(_answer)]
ReturningBrowserDep = Annotated[ReturningBrowser, Depends()]
