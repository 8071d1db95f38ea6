"""The mail of an invitation."""

from gatepost.core.clock import Clock
from gatepost.core.db.database import Transaction
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.errors import InvitationInvalid
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.invitations.acceptance import roles_given
from gatepost.identity.invitations.repository import Invitations
from gatepost.identity.links.tokens import new_token
from gatepost.identity.mailing.links import LinkWriter
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail


class InvitationMails:
    """Prepares the mail of an invitation."""

    def __init__(self, clock: Clock, links: LinkWriter, *, policy: AccountPolicy) -> None:
        self._clock = clock
        self._links = links
        self._signup = policy.signup

    async def invitation(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Prepare the mail, if the invitation could be accepted now."""
        expires_at = self._clock.now() + self._links.life(MailKind.INVITATION)
        invitations, token = Invitations(tx), new_token()
        invitation = await invitations.get(mail.data.get("invitation_id", 0))
        if invitation is None or self._signup is SignUp.CLOSED:
            return None
        try:
            await roles_given(tx, invitation)
        except InvitationInvalid:
            return None
        if not await invitations.renew(invitation, token=token, expires_at=expires_at):
            return None
        context = {
            "username": "",
            "invited_by": invitation.inviter.username,
            "roles": invitation.role_names,
            "link": self._links.with_token("/invitation", token),
            "expires_at": expires_at,
        }
        return PreparedMail(mail.address, mail.language, mail.kind, context)
