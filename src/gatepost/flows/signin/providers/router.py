"""Signing in with another provider, over HTTP."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Response, status

from gatepost.flows.signin.providers.deps import (
    AnswerDep,
    AuthorizationStartDep,
    PolicyDep,
    ProviderCallbackDep,
    ProviderName,
    ProvidersDep,
    ProviderSignInDep,
    ReturningBrowserDep,
    bounded_answer,
)
from gatepost.flows.signin.providers.errors import (
    AccountExists,
    EmailNeeded,
    ProviderUnknown,
    ProviderUnreachable,
    ReturnAddressInvalid,
)
from gatepost.flows.signin.providers.schemas import (
    ContinueProviderRequest,
    ProviderEmailRequest,
    ProviderResponse,
    ProviderSignUpRequest,
    ProvidersResponse,
    StartRequest,
    StartResponse,
)
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.access.deps import LateUser
from gatepost.identity.accounts.errors import (
    AccountDisabled,
    EmailUnverified,
    InvitationInvalid,
    InvitationRequired,
    RolesTooLong,
    SignUpClosed,
    UsernameTaken,
)
from gatepost.identity.accounts.names import parse_email
from gatepost.identity.assurance.deps import HandoutDep
from gatepost.identity.assurance.errors import InvalidCode, SecondFactorRequired
from gatepost.identity.credentials.email_codes.schemas import CodeSentResponse
from gatepost.identity.credentials.external.errors import ProviderSignInInvalid
from gatepost.identity.external.deps import BoundBrowserDep
from gatepost.identity.sessions.errors import ACCESS_TOKEN_ERRORS, CrossSiteRequest
from gatepost.identity.sessions.handout import SignInResponse
from gatepost.identity.throttling.deps import DeviceDep, LinkLimit, MailLimit, ProviderLimit
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests
from gatepost.identity.tokens.step_up import StepUpRequired

router = APIRouter(prefix="/api/auth/providers", tags=["sign in"])

CACHED_SECONDS = 60
# What the sign-in can end with that a provider has vouched for.
OF_SIGN_INS = (
    ProviderSignInInvalid, SecondFactorRequired, AccountExists, EmailNeeded, AccountDisabled, EmailUnverified,
    SignUpClosed, InvitationRequired, InvitationInvalid, RolesTooLong, CrossSiteRequest, TooManyRequests,
)  # fmt: skip
FormText = Annotated[str, Form()]
OptionalFormText = Annotated[str | None, Form()]


@router.get("", summary="The providers that are set up")
async def providers(response: Response, providers: ProvidersDep, policy: PolicyDep) -> ProvidersResponse:
    """In the order of the settings, for the buttons of a sign-in page."""
    response.headers["Cache-Control"] = f"public, max-age={CACHED_SECONDS}"
    listed = list(map(ProviderResponse.of, providers.listed))
    return ProvidersResponse(providers=listed, email_sign_in=policy.email_sign_in)


@router.post(
    "/{name}/start",
    summary="Begin to sign in with another provider",
    dependencies=[ProviderLimit],
    responses=problems(
        ProviderUnknown, ProviderUnreachable, ReturnAddressInvalid, StepUpRequired, EmailUnverified, InvitationInvalid,
        SignUpClosed, TooManyRequests, *ACCESS_TOKEN_ERRORS,
    ),
)  # fmt: skip
async def start(
    name: ProviderName,
    body: StartRequest,
    service: AuthorizationStartDep,
    browser: BoundBrowserDep,
    caller: LateUser,
    info: RequestInfoDep,
) -> StartResponse:
    """Returns the address to which the browser has to go. A cookie binds what follows to this browser, for ten minutes.

    `link` and `reauthenticate` need an access token; `link` also a proof of identity that is at most five minutes old.
    """
    address = await service.start(name, body.command(), browser=browser.bind(), caller=caller, info=info)
    return StartResponse(authorization_url=address)


@router.get(
    "/{name}/callback",
    include_in_schema=False,  # providers call it, by a browser
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=Response,
    dependencies=[ProviderLimit],
)
async def callback(
    name: ProviderName,
    answer: AnswerDep,
    response: Response,
    service: ProviderCallbackDep,
    browser: ReturningBrowserDep,
    info: RequestInfoDep,
) -> None:
    """Lead a browser on that comes back from a provider."""
    response.headers["Location"] = await service.receive(name, answer, browser, info=info)


@router.post(
    "/{name}/callback",
    include_in_schema=False,
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=Response,
)
async def callback_by_form(
    name: ProviderName,
    response: Response,
    state: FormText = "",
    code: FormText = "",
    iss: OptionalFormText = None,
    error: FormText = "",
    user: OptionalFormText = None,
) -> None:
    """Lead a browser on that a form of a provider sends: to the same address, since it comes without cookies."""
    answer = bounded_answer(state=state, code=code, iss=iss, error=error, user=user)
    sent = {"state": answer.state, "code": answer.code, "iss": answer.iss, "error": answer.error, "user": answer.user}
    query = urlencode({key: value for key, value in sent.items() if value})
    response.headers["Location"] = f"/api/auth/providers/{name}/callback?{query}"


@router.post("/continue", summary="Continue a sign-in with another provider", responses=problems(*OF_SIGN_INS))
async def continue_with_provider(
    body: ContinueProviderRequest,
    service: ProviderSignInDep,
    browser: BoundBrowserDep,
    handout: HandoutDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> SignInResponse:
    """For a browser that came back and was not signed in at once. The answer is a session, or says what is missing:
    401 `second_factor_required`, 409 `account_exists`, or 409 `email_needed`.
    """
    signed_in = await service.go_on(browser.cookie, info=info, device=device, replaces=handout.replaces)
    return SignInResponse.of(signed_in, with_tokens=handout.deliver(signed_in))


@router.post(
    "/email",
    summary="Prove an address for a sign-in with another provider",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit],
    responses=problems(ProviderSignInInvalid, CrossSiteRequest, TooManyRequests),
)
async def send_code(
    body: ProviderEmailRequest, service: ProviderSignInDep, browser: BoundBrowserDep, info: RequestInfoDep
) -> CodeSentResponse:
    """After 409 `email_needed`: sends a code to an address. The answer is the same whether an account has it."""
    await service.send_code(browser.cookie, parse_email(body.email), info=info)
    browser.keep()
    return CodeSentResponse.of("We have sent a code to this address.")


@router.post(
    "/signup",
    summary="Create an account with another provider",
    dependencies=[LinkLimit],
    responses=problems(InvalidCode, TooManyAttempts, UsernameTaken, *OF_SIGN_INS),
)
async def sign_up_with_provider(
    body: ProviderSignUpRequest,
    service: ProviderSignInDep,
    browser: BoundBrowserDep,
    handout: HandoutDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> SignInResponse:
    """With the code of `POST /api/auth/providers/email`. Only after the right code is it told, by 409
    `account_exists`, that an account has the address.
    """
    signed_in = await service.sign_up(
        browser.cookie,
        parse_email(body.email),
        body.code,
        body.wanted_name,
        info=info,
        device=device,
        replaces=handout.replaces,
    )
    return SignInResponse.of(signed_in, with_tokens=handout.deliver(signed_in))
