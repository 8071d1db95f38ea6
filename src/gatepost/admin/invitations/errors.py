"""What can go wrong with an invitation."""

from gatepost.core.errors import Conflict, NotFound


class InvitationNotFound(NotFound):
    """There is no unused invitation with this id."""

    code = "invitation_not_found"
    title = "Invitation not found"
    message = "There is no such invitation."


class InvitationsClosed(Conflict):
    """Nobody signs up here, so that nobody could accept an invitation."""

    code = "invitations_closed"
    title = "Invitations closed"
    message = "Sign-up is closed, and an invitation could not be accepted. Make the account instead."
