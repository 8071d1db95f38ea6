"""The routes for verifying addresses and recovering accounts. Only POST uses a token up: mail scanners follow links."""

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
from gatepost.identity.access.deps import CurrentUser, OptionalUser
from gatepost.identity.accounts.errors import (
    AlreadyVerified,
    EmailTaken,
    InvitationRequired,
    LinkInvalid,
    PasswordNotAllowed,
    ProofRequired,
    SignUpClosed,
    UsernameTaken,
    WrongSignUpPassword,
)
from gatepost.identity.accounts.names import parse_email, parse_existing_email
from gatepost.identity.assurance.errors import PasskeyInvalid
from gatepost.identity.credentials.deps import OF_PROOFS
from gatepost.identity.throttling.deps import DeviceDep, LinkLimit, MailLimit, ProofLimit, RememberDevice
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests

router = APIRouter(prefix="/api/auth", tags=["recovery"])

REFUSED = MessageResponse(message="Your e-mail address is not verified. What somebody has set up with it has ended.")
SENT = MessageResponse(message="If the address has an account, we have sent it a link.")
RESPELLED = "Your e-mail address has been changed. It is the same mailbox, so there is no link to follow."
LINK_SENT = "That session has ended. We have sent you a link to set a new password."
NO_LINK = (
    "Every session has ended, and the password no longer works. Another account has your address. Please contact us."
)


@router.post(
    "/password/forgot",
    summary="Request a password reset",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit],
    responses=problems(TooManyRequests),
)
async def forgot_password(
    body: AddressRequest, passwords: PasswordServiceDep, info: RequestInfoDep, device: DeviceDep
) -> MessageResponse:
    """Send a link for a new password. The answer and its time do not reveal whether the address has an account."""
    await passwords.forgot(parse_existing_email(body.email), info=info, device=device)
    return SENT


@router.post(
    "/password/reset",
    summary="Reset a password",
    dependencies=[LinkLimit],
    responses=problems(LinkInvalid, TooManyRequests, PasswordNotAllowed, HashingBusy),
)
async def reset_password(
    body: PasswordResetRequest, passwords: PasswordServiceDep, info: RequestInfoDep, remember: RememberDevice
) -> MessageResponse:
    """Set a new password with the token from the mail. The token works once, and every session of the account ends.

    Afterwards this device is known: it can sign in even if other people's guesses have locked the account.
    """
    remember(await passwords.reset(body.token, body.password, info=info))
    return MessageResponse(message="Your password has been set. Please sign in.")


@router.post(
    "/password/change",
    summary="Change my password",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, PasswordNotAllowed),
)
async def change_password(
    body: PasswordChangeRequest, user: CurrentUser, passwords: PasswordServiceDep, info: RequestInfoDep
) -> None:
    """Every other session of the account ends. This one continues."""
    await passwords.change(user, body.current_password, body.new_password, info=info)


@router.post(
    "/email/verify",
    summary="Verify an e-mail address",
    dependencies=[LinkLimit],
    responses=problems(
        LinkInvalid, AlreadyVerified, ProofRequired, WrongSignUpPassword, PasskeyInvalid, UsernameTaken, EmailTaken,
        SignUpClosed, InvitationRequired, TooManyAttempts, TooManyRequests, HashingBusy,
    ),
)  # fmt: skip
async def verify_email(
    body: VerifyRequest,
    caller: OptionalUser,
    addresses: AddressServiceDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> MessageResponse:
    """Verify the address of an account, a new address for it, or the address of a pending sign-up.

    Anybody can sign up with anybody's address. So the link takes effect for somebody who shows that the account is
    theirs: with an access token of it, with its `password`, or with its passkey. Otherwise the answer is 400
    `proof_required`, and the link stays valid. A wrong password does not use it up either.

    Sign-ups are pending where the deployment does not reveal whether a name or address is taken. There it takes the
    `password` of the sign-up.
    """
    await addresses.confirm(body.followed_by(caller), info=info, device=device)
    return MessageResponse(message="Your e-mail address is verified.")


@router.post(
    "/email/refuse",
    summary="Say that I did not ask to verify an address",
    dependencies=[LinkLimit],
    responses=problems(LinkInvalid, TooManyRequests),
)
async def refuse_email(body: TokenRequest, addresses: AddressServiceDep, info: RequestInfoDep) -> MessageResponse:
    """Use up the link of `email/verify` without verifying the address, because somebody else has given it.

    If no address of the account was ever verified, its password, passkeys and sessions end. Its owner can be whoever
    has the mailbox, with `password/forgot`.
    """
    await addresses.refuse(body.token, info=info)
    return REFUSED


@router.post(
    "/email/resend",
    summary="Resend the verification mail",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit],
    responses=problems(TooManyRequests),
)
async def resend_confirmation(
    body: AddressRequest, addresses: AddressServiceDep, info: RequestInfoDep, device: DeviceDep
) -> MessageResponse:
    """The answer does not reveal whether the address has an account, or whether it is verified."""
    await addresses.send_link(parse_existing_email(body.email), info=info, device=device)
    return SENT


@router.post(
    "/email/change",
    summary="Change my e-mail address",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[MailLimit, ProofLimit],
    responses=problems(*OF_PROOFS),
)
async def change_email(
    body: EmailChangeRequest, user: CurrentUser, addresses: AddressServiceDep, info: RequestInfoDep
) -> MessageResponse:
    """Send a link to the new address. The old one stays until the link is followed, and is then told of the change.

    A change of letter case only needs no link and takes effect at once.
    """
    is_done = await addresses.ask_change(user, parse_email(body.email), body.current_password, info=info)
    return MessageResponse(message=RESPELLED if is_done else "We have sent a link to the new address.")


@router.post(
    "/not-me",
    summary="Report that an account is compromised",
    dependencies=[LinkLimit],
    responses=problems(LinkInvalid, TooManyRequests),
)
async def report_compromise(
    body: TokenRequest, service: CompromiseReportsDep, info: RequestInfoDep
) -> CompromiseReportResponse:
    """Use the "this was not me" link of a warning mail. It signs that device out, makes the password unusable, and
    sends a link for a new password.

    If the e-mail address was changed, it is changed back first. No link is sent if another account has verified that
    address since.
    """
    is_sent = await service.report(body.token, info=info)
    return CompromiseReportResponse(message=LINK_SENT if is_sent else NO_LINK, link_sent=is_sent)
