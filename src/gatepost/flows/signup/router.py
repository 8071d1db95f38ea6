"""The sign-up routes."""

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
from gatepost.identity.assurance.errors import SecondFactorRequired
from gatepost.identity.throttling.deps import LinkLimit, SignUpLimit
from gatepost.identity.throttling.errors import TooManyRequests

router = APIRouter(prefix="/api/auth")


@router.post(
    "/signup",
    summary="Create an account and sign in",
    tags=["sign in"],
    status_code=status.HTTP_201_CREATED,
    dependencies=[SignUpLimit],
    responses=problems(
        UsernameTaken, UsernameInvalid, EmailTaken, UnknownRole, RoleNotGrantable, PasswordNotAllowed, SignUpClosed,
        InvitationRequired, InvitationInvalid, RolesTooLong, SecondFactorRequired, HashingBusy, TooManyRequests,
    )
    | {202: {"model": MessageResponse, "description": "We have sent a mail with the next step."}},
)  # fmt: skip
async def sign_up(
    body: SignUpRequest,
    response: Response,
    service: SignUpServiceDep,
    handout: HandoutIfAskedDep,
    info: RequestInfoDep,
) -> SignUpResponse | MessageResponse:
    """The account gets the role `user`. Administrators grant other roles, by invitation or later.

    Cookies are set only with `transport=cookie`.

    Some deployments verify the address first, or do not reveal whether a name or address is taken. There the answer is
    always 202, and a mail explains the next step. Where everybody has to have a second factor, the answer is 401
    `second_factor_required` with `enrolMethods`: the account is there, and the sign-in continues.
    """
    signed_in = await service.sign_up(body.command(), info=info, replaces=handout.replaces)
    if signed_in is None:
        response.status_code = status.HTTP_202_ACCEPTED
        return MessageResponse(message="We have sent you a mail. Please follow its link.")
    return SignUpResponse.of(signed_in, with_tokens=handout.deliver(signed_in))


@router.post(
    "/invitation",
    summary="Show an invitation",
    tags=["recovery"],
    dependencies=[LinkLimit],
    responses=problems(InvitationInvalid, SignUpClosed, EmailTaken, TooManyRequests),
)
async def read_invitation(body: InvitationLinkRequest, service: SignUpServiceDep) -> InvitationLink:
    """The invited address and the expiry date. The link is not used up.

    Only the owner of the mailbox has the token, so this reveals nothing to anybody else.
    """
    return InvitationLink.of(await service.invitation_of(body.token))
