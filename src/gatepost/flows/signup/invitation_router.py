"""What an invitation's link is worth, over HTTP."""

from fastapi import APIRouter

from gatepost.admin.invitations.deps import InvitationServiceDep
from gatepost.admin.invitations.schemas import InvitationLink, InvitationLinkRequest
from gatepost.http.openapi import problems
from gatepost.identity.accounts.errors import EmailTaken, InvitationUnusable, SignUpClosed
from gatepost.identity.throttling.deps import LinkLimit
from gatepost.identity.throttling.errors import TooManyRequests

router = APIRouter(prefix="/api/auth", tags=["recovery"])


@router.post(
    "/invitation",
    summary="Look at an invitation",
    dependencies=[LinkLimit],
    responses=problems(InvitationUnusable, SignUpClosed, EmailTaken, TooManyRequests),
)
async def look_at_invitation(body: InvitationLinkRequest, invitations: InvitationServiceDep) -> InvitationLink:
    """Whom the link of a mail invites, and until when; it is not used up.

    Whoever has the token has the mailbox: to others this tells nothing.
    """
    return InvitationLink.of(await invitations.of_link(body.token))
