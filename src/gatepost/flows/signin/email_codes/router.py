"""Signing in with a code by mail, over HTTP."""

from fastapi import APIRouter, Request, Response, status

from gatepost.flows.signin.email_codes.deps import EmailCodeCookiesDep, EmailCodeSignInDep
from gatepost.flows.signin.email_codes.schemas import (
    EmailCodeRequest,
    EmailCodeSignInRequest,
    EmailLinkRequest,
    EmailLinkResponse,
)
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.accounts.errors import (
    AccountDisabled,
    EmailSignInOff,
    EmailUnverified,
    InvitationRequired,
    SignUpClosed,
)
from gatepost.identity.accounts.names import parse_existing_email
from gatepost.identity.assurance.deps import HandoutDep, SignInServiceDep
from gatepost.identity.assurance.errors import InvalidCode, SecondFactorRequired
from gatepost.identity.credentials.email_codes.schemas import CodeSentResponse
from gatepost.identity.sessions.handout import SignInResponse
from gatepost.identity.throttling.deps import DeviceDep, LinkLimit, MailLimit
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests

router = APIRouter(prefix="/api/auth/email-code", tags=["sign in"])

SENT = CodeSentResponse.of("If the address can be used here, we have sent a code to it.")


@router.post(
    "",
    summary="Request a code by mail",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit],
    responses=problems(EmailSignInOff, TooManyRequests),
)
async def ask_for_code(
    body: EmailCodeRequest,
    request: Request,
    response: Response,
    codes: EmailCodeSignInDep,
    cookies: EmailCodeCookiesDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> CodeSentResponse:
    """Send a code and a link to an address. The answer and its time do not reveal whether the address has an account.

    An HttpOnly cookie binds the code to this browser. It is valid for ten minutes and five tries; a new one replaces
    it. An address without an account gets a code where anybody may sign up.
    """
    before = cookies.read(request)
    bound_to = cookies.bind(response)
    await codes.ask(parse_existing_email(body.email), bound_to=bound_to, before=before, info=info, device=device)
    return SENT


@router.post(
    "/signin",
    summary="Sign in with a code by mail",
    dependencies=[LinkLimit],
    responses=problems(
        InvalidCode, SecondFactorRequired, AccountDisabled, EmailUnverified, SignUpClosed, InvitationRequired,
        EmailSignInOff, TooManyAttempts, TooManyRequests,
    ),
)  # fmt: skip
async def sign_in_with_code(
    body: EmailCodeSignInRequest,
    request: Request,
    response: Response,
    codes: EmailCodeSignInDep,
    service: SignInServiceDep,
    cookies: EmailCodeCookiesDep,
    handout: HandoutDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> SignInResponse:
    """With the code, in the browser that requested it, or with the token of the link in the mail. In another browser
    the token alone does nothing; with `elsewhere` it signs in there.

    It verifies the address. Who has no account gets one, without a password; the user name is made from the address. An
    account with a second factor is answered 401 `second_factor_required`. After too many wrong codes for an address the
    answer is 429, for a time that grows up to a day; the link works even then.
    """
    attempt = codes.attempt(body.shown(cookies.read(request)), info=info, device=device)
    signed_in = await service.sign_in(attempt, replaces=handout.replaces)
    cookies.clear(response)
    return SignInResponse.of(signed_in, with_tokens=handout.deliver(signed_in))


@router.post(
    "/link",
    summary="Show a link by mail",
    dependencies=[LinkLimit],
    responses=problems(InvalidCode, EmailSignInOff, TooManyRequests),
)
async def show_link(
    body: EmailLinkRequest, request: Request, codes: EmailCodeSignInDep, cookies: EmailCodeCookiesDep
) -> EmailLinkResponse:
    """Which device requested the mail, from where and when. The link is not used up.

    Only the owner of the mailbox has the token, so this reveals nothing to anybody else.
    """
    return EmailLinkResponse.of(await codes.look(body.token, bound_to=cookies.read(request)))
