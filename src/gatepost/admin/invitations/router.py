"""The invitation routes."""

from fastapi import APIRouter, Response, status

from gatepost.admin.accounts.deps import CallerDep, CanReadUsers, CanWriteUsers
from gatepost.admin.accounts.errors import BeyondAuthority
from gatepost.admin.invitations.deps import InvitationServiceDep
from gatepost.admin.invitations.errors import InvitationNotFound, InvitationsClosed
from gatepost.admin.invitations.schemas import InvitationRequest, InvitationResponse, shown
from gatepost.http.deps import PathId
from gatepost.http.openapi import problems
from gatepost.http.pieces import json_array
from gatepost.identity.access.errors import PermissionRequired
from gatepost.identity.accounts.errors import EmailTaken, RoleNotGrantable, RolesTooLong, UnknownRole
from gatepost.identity.accounts.names import parse_email
from gatepost.identity.credentials.deps import FreshProof
from gatepost.identity.throttling.errors import TooManyRequests
from gatepost.identity.tokens.step_up import StepUpRequired

router = APIRouter(prefix="/api/admin/invitations", tags=["administration"])


@router.post(
    "",
    summary="Invite a person",
    status_code=status.HTTP_201_CREATED,
    dependencies=[CanWriteUsers, FreshProof],
    responses=problems(
        StepUpRequired,
        EmailTaken, UnknownRole, RoleNotGrantable, RolesTooLong, BeyondAuthority, InvitationsClosed, PermissionRequired,
        TooManyRequests,
    ),
)  # fmt: skip
async def invite(body: InvitationRequest, invitations: InvitationServiceDep, by: CallerDep) -> InvitationResponse:
    """Sends a mail with a link. The person who accepts it gets the roles at once, and the address counts as verified.

    An earlier invitation of the address becomes invalid. Beyond `MAILBOX_RATE` the answer is 429, and the earlier
    invitation stays valid. When an invitation is accepted, its inviter must still be allowed to grant the roles.
    """
    sent = await invitations.invite(parse_email(body.email), roles=body.roles or [], language=body.language, by=by)
    return InvitationResponse.of(sent.invitation)


@router.get(
    "",
    summary="List pending invitations",
    dependencies=[CanReadUsers],
    response_model=list[InvitationResponse],
    responses=problems(PermissionRequired),
)
async def list_invitations(invitations: InvitationServiceDep) -> Response:
    """The invitations that have not been accepted, the newest first."""
    return await json_array(shown(invitations.list()))


@router.delete(
    "/{invitation_id}",
    summary="Revoke an invitation",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanWriteUsers],
    responses=problems(InvitationNotFound, BeyondAuthority, PermissionRequired),
)
async def revoke_invitation(invitation_id: PathId, invitations: InvitationServiceDep, by: CallerDep) -> None:
    """Its link stops working. Requires the same permissions as inviting somebody with these roles."""
    await invitations.take_back(invitation_id, by=by)
