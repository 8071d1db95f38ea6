"""Proving and recovering, over HTTP. Only POST uses a token up, since mail scanners follow links."""

from fastapi import APIRouter, status

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.flows.recovery.deps import AddressServiceDep, CompromiseReportsDep, PasswordServiceDep
from gatepost.flows.recovery.schemas import (
    AddressRequest,
    CompromiseReportResponse,
    EmailChangeRequest,
    PasswordChangeRequest,
    PasswordResetRequest,
    TokenRequest,
    VerifyRequest,
)
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.http.schemas import MessageResponse
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.accounts.errors import (
    AlreadyVerified,
    EmailTaken,
    InvitationRequired,
    LinkInvalid,
    PasswordNotAllowed,
    PasswordRequired,
    SignUpClosed,
    UsernameTaken,
    UserNotFound,
    WrongPassword,
    WrongSignUpPassword,
)
from gatepost.identity.accounts.names import parse_email, parse_existing_email
from gatepost.identity.throttling.deps import DeviceDep, LinkLimit, MailLimit, ProofLimit, RememberDevice
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests

router = APIRouter(prefix="/api/auth", tags=["recovery"])

SENT = MessageResponse(message="If the address has an account, we have sent it a link.")
RESPELLED = "Your address is changed: it is the same mailbox, so no link is needed."
LINK_SENT = "That session has ended. We have sent you a link to set a new password."
NO_LINK = "Every session has ended, and the password is void. Your address has another account: please write to us."


@router.post(
    "/password/forgot",
    summary="Ask for a new password",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit],
    responses=problems(TooManyRequests),
)
async def forgot_password(
    body: AddressRequest, passwords: PasswordServiceDep, info: RequestInfoDep, device: DeviceDep
) -> MessageResponse:
    """The same answer, in the same time, whether the address has an account or not, and whoever has asked before."""
    await passwords.forgot(parse_existing_email(body.email), info=info, device=device)
    return SENT


@router.post(
    "/password/reset",
    summary="Set a new password by a mail link",
    dependencies=[LinkLimit],
    responses=problems(LinkInvalid, TooManyRequests, PasswordNotAllowed, HashingBusy),
)
async def reset_password(
    body: PasswordResetRequest, passwords: PasswordServiceDep, info: RequestInfoDep, remember: RememberDevice
) -> MessageResponse:
    """The token is good once; every session of the account ends. No wait of strangers keeps this device from it."""
    remember(await passwords.reset(body.token, body.password, info=info))
    return MessageResponse(message="Your password has been set. Please sign in.")


@router.post(
    "/password/change",
    summary="Change my password",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[ProofLimit],
    responses=problems(WrongPassword, TooManyAttempts, TooManyRequests, PasswordNotAllowed, UserNotFound, HashingBusy),
)
async def change_password(
    body: PasswordChangeRequest, user: CurrentUser, passwords: PasswordServiceDep, info: RequestInfoDep
) -> None:
    """Every other session of the account ends; this one goes on."""
    await passwords.change(user, body.current_password, body.new_password, info=info)


@router.post(
    "/email/verify",
    summary="Confirm an address by a mail link",
    dependencies=[LinkLimit],
    responses=problems(
        LinkInvalid, AlreadyVerified, PasswordRequired, WrongSignUpPassword, UsernameTaken, EmailTaken, SignUpClosed,
        InvitationRequired, TooManyAttempts, TooManyRequests, HashingBusy,
    ),
)  # fmt: skip
async def verify_email(body: VerifyRequest, addresses: AddressServiceDep, info: RequestInfoDep) -> MessageResponse:
    """Of the address that an account has, or of the one that it is to have, or of a sign-up that waits for this.

    A sign-up waits where the deployment does not tell what is taken. Its link proves the address alone, so that it
    needs the `password` of the sign-up as well: without it the answer is 400 `password_required`. A wrong one leaves
    the link good.
    """
    await addresses.confirm(body.token, password=body.password, info=info)
    return MessageResponse(message="Your e-mail address is verified.")


@router.post(
    "/email/resend",
    summary="Ask for the confirmation mail again",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit],
    responses=problems(TooManyRequests),
)
async def resend_confirmation(
    body: AddressRequest, addresses: AddressServiceDep, info: RequestInfoDep, device: DeviceDep
) -> MessageResponse:
    """The same answer whether the address has an account or not, confirmed or not, and whoever has asked before."""
    await addresses.send_link(parse_existing_email(body.email), info=info, device=device)
    return SENT


@router.post(
    "/email/change",
    summary="Change my address",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit, ProofLimit],
    responses=problems(WrongPassword, TooManyAttempts, TooManyRequests, UserNotFound, HashingBusy),
)
async def change_email(
    body: EmailChangeRequest, user: CurrentUser, addresses: AddressServiceDep, info: RequestInfoDep
) -> MessageResponse:
    """The old address stays until the link that goes to the new one is followed, and is told then.

    The same mailbox in other letter case needs no link: it is changed at once.
    """
    is_done = await addresses.ask_change(user, parse_email(body.email), body.current_password, info=info)
    return MessageResponse(message=RESPELLED if is_done else "We have sent a link to the new address.")


@router.post(
    "/not-me",
    summary="This was not me",
    dependencies=[LinkLimit],
    responses=problems(LinkInvalid, TooManyRequests),
)
async def report_compromise(
    body: TokenRequest, service: CompromiseReportsDep, info: RequestInfoDep
) -> CompromiseReportResponse:
    """From a mail that warns: that device is signed out, the password is void, and a link for a new one is sent.

    A changed address is changed back first. Where another account has proved to have it by now, no link is sent.
    """
    is_sent = await service.report(body.token, info=info)
    return CompromiseReportResponse(message=LINK_SENT if is_sent else NO_LINK, link_sent=is_sent)
