"""Signing up, over HTTP."""

from fastapi import APIRouter, Response, status

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.flows.signup.deps import SignUpServiceDep
from gatepost.flows.signup.schemas import InvitationLink, InvitationLinkRequest, SignUpRequest, SignUpResponse
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.http.schemas import MessageResponse
from gatepost.identity.accounts.errors import (
    EmailTaken,
    InvitationInvalid,
    InvitationRequired,
    PasswordNotAllowed,
    RoleNotGrantable,
    RolesTooLong,
    SignUpClosed,
    UnknownRole,
    UsernameInvalid,
    UsernameTaken,
)
from gatepost.identity.assurance.deps import HandoutIfAskedDep
from gatepost.identity.throttling.deps import LinkLimit, SignUpLimit
from gatepost.identity.throttling.errors import TooManyRequests

router = APIRouter(prefix="/api/auth")


@router.post(
    "/signup",
    summary="Make an account and sign in",
    tags=["sign in"],
    status_code=status.HTTP_201_CREATED,
    dependencies=[SignUpLimit],
    responses=problems(
        UsernameTaken, UsernameInvalid, EmailTaken, UnknownRole, RoleNotGrantable, PasswordNotAllowed, SignUpClosed,
        InvitationRequired, InvitationInvalid, RolesTooLong, HashingBusy, TooManyRequests,
    )
    | {202: {"model": MessageResponse, "description": "A mail tells how to go on."}},
)  # fmt: skip
async def sign_up(
    body: SignUpRequest,
    response: Response,
    service: SignUpServiceDep,
    handout: HandoutIfAskedDep,
    info: RequestInfoDep,
) -> SignUpResponse | MessageResponse:
    """The account gets the role `user`; administrators give others, by an invitation or later.

    No cookie is set unless `transport=cookie` asks for it.

    Where the address is to be proved first, or the deployment does not tell what is taken, the answer is 202 for
    everybody, and a mail tells how to go on.
    """
    signed_in = await service.sign_up(body.command(), info=info, replaces=handout.replaces)
    if signed_in is None:
        response.status_code = status.HTTP_202_ACCEPTED
        return MessageResponse(message="We have sent you a mail. Please follow its link.")
    return SignUpResponse.of(signed_in, with_tokens=handout.deliver(signed_in))


@router.post(
    "/invitation",
    summary="Look at an invitation",
    tags=["recovery"],
    dependencies=[LinkLimit],
    responses=problems(InvitationInvalid, SignUpClosed, EmailTaken, TooManyRequests),
)
async def look_at_invitation(body: InvitationLinkRequest, service: SignUpServiceDep) -> InvitationLink:
    """Whom the link of a mail invites, and until when; it is not used up.

    Whoever has the token has the mailbox: to others this tells nothing.
    """
    return InvitationLink.of(await service.invitation_of(body.token))
