"""Invitations, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, status

from gatepost.access.deps import require_permission
from gatepost.access.errors import PermissionRequired
from gatepost.access.principal import Permission, Principal
from gatepost.accounts.errors import EmailTaken, RoleNotGrantable, UnknownRole
from gatepost.accounts.names import parse_email
from gatepost.core.ids import LARGEST_ID
from gatepost.http.deps import ClientDep
from gatepost.http.openapi import problems
from gatepost.invitations.deps import InvitationServiceDep
from gatepost.invitations.errors import InvitationNotFound
from gatepost.invitations.schemas import InvitationRequest, InvitationResponse

router = APIRouter(prefix="/api/admin/invitations", tags=["administration"])

UsersWriter = Annotated[Principal, Depends(require_permission(Permission.USERS_WRITE))]
InvitationId = Annotated[int, Path(ge=1, le=LARGEST_ID, examples=[1])]


@router.post(
    "",
    summary="Invite somebody",
    status_code=status.HTTP_201_CREATED,
    responses=problems(EmailTaken, UnknownRole, RoleNotGrantable, PermissionRequired),
)
async def invite(
    body: InvitationRequest, user: UsersWriter, invitations: InvitationServiceDep, client: ClientDep
) -> InvitationResponse:
    """A mail with a link goes to the address; who accepts it has the roles at once, and a proved address."""
    row = await invitations.invite(
        user, parse_email(body.email), roles=body.roles, language=body.language, client=client
    )
    return InvitationResponse.of(row)


@router.get(
    "",
    summary="Open invitations",
    dependencies=[Depends(require_permission(Permission.USERS_READ))],
    responses=problems(PermissionRequired),
)
async def list_invitations(invitations: InvitationServiceDep) -> list[InvitationResponse]:
    """Those that nobody has accepted, the newest first."""
    return [InvitationResponse.of(row) for row in await invitations.list()]


@router.delete(
    "/{invitation_id}",
    summary="Take an invitation back",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(InvitationNotFound, PermissionRequired),
)
async def take_back(
    invitation_id: InvitationId, user: UsersWriter, invitations: InvitationServiceDep, client: ClientDep
) -> None:
    """Its link is no good from then on."""
    await invitations.take_back(user, invitation_id, client=client)
