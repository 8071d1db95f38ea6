"""Errors of invitations."""

from gatepost.core.errors import Conflict, NotFound


class InvitationNotFound(NotFound):
    """There is no unused invitation with this id."""

    code = "invitation_not_found"
    title = "Invitation not found"
    message = "This invitation does not exist."


class InvitationsClosed(Conflict):
    """This deployment does not allow sign-ups, so nobody could accept an invitation."""

    code = "invitations_closed"
    title = "Invitations closed"
    message = "Sign-up is closed, so nobody could accept an invitation. Create the account instead."
