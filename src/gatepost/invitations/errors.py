"""What can go wrong with an invitation."""

from gatepost.core.errors import NotFound


class InvitationNotFound(NotFound):
    """There is no unused invitation with this id."""

    code = "invitation_not_found"
    title = "Invitation not found"
    message = "There is no such invitation."
