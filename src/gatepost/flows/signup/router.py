"""The sign-up routes."""

from fastapi import APIRouter, Response, status

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.flows.signup.deps import PasskeySignUpDep, SignUpServiceDep
from gatepost.flows.signup.errors import PasskeySignUpUnavailable
from gatepost.flows.signup.schemas import (
    InvitationLink,
    InvitationLinkRequest,
    PasskeySignUpRequest,
    PasskeySignUpResponse,
    SignUpRequest,
    SignUpResponse,
)
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
from gatepost.identity.credentials.passkeys.errors import PasskeysUnavailable, WrongPasskey
from gatepost.identity.credentials.passkeys.schemas import CreationOptionsResponse
from gatepost.identity.throttling.deps import LinkLimit, PasskeyLimit, SignUpLimit
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
        PasskeySignUpUnavailable, WrongPasskey,
    )
    | {202: {"model": MessageResponse, "description": "We have sent a mail with the next step."}},
)  # fmt: skip
async def sign_up(
    body: SignUpRequest,
    response: Response,
    service: SignUpServiceDep,
    handout: HandoutIfAskedDep,
    info: RequestInfoDep,
) -> SignUpResponse | PasskeySignUpResponse | MessageResponse:
    """The account gets the role `user`. Administrators grant other roles, by invitation or later.

    In the place of a password the account can have a passkey: `challengeId` of `POST /api/auth/signup/passkey/options`
    and the browser's `credential`. The answer then has recovery codes as well.

    Cookies are set only with `transport=cookie`.

    Some deployments verify the address first, or do not reveal whether a name or address is taken. There the answer is
    always 202, and a mail explains the next step. Where everybody has to have a second factor, the answer is 401
    `second_factor_required` with `enrolMethods`: the account is there, and the sign-in continues.
    """
    signed_up = await service.sign_up(body.command(), info=info, replaces=handout.replaces)
    if signed_up is None:
        response.status_code = status.HTTP_202_ACCEPTED
        return MessageResponse(message="We have sent you a mail. Please follow its link.")
    signed_in, codes = signed_up.signed_in, signed_up.recovery_codes
    answer = SignUpResponse.of(signed_in, with_tokens=handout.deliver(signed_in))
    return answer if codes is None else PasskeySignUpResponse.with_codes(answer, codes)


@router.post(
    "/signup/passkey/options",
    summary="Begin to sign up with a passkey",
    tags=["sign in"],
    dependencies=[PasskeyLimit],
    responses=problems(
        UsernameInvalid, SignUpClosed, InvitationRequired, PasskeySignUpUnavailable, PasskeysUnavailable,
        TooManyRequests,
    ),
)  # fmt: skip
async def start_passkey_sign_up(body: PasskeySignUpRequest, by_passkey: PasskeySignUpDep) -> CreationOptionsResponse:
    """Options for the browser. What it makes goes to `POST /api/auth/signup`, with the same names, within ten minutes.

    The answer is the same whether the names are taken.
    """
    asked = await by_passkey.ask(body.account(), is_invited=body.invitation is not None)
    return CreationOptionsResponse.of(asked)


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
