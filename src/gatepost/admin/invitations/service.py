"""Invitations: a mail with a link to create one account with the chosen roles."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatepost.admin.accounts.errors import BeyondAuthority
from gatepost.admin.accounts.preconditions import Actor, authority_of, roles_in_words
from gatepost.admin.invitations.errors import InvitationNotFound, InvitationsClosed
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.db.purging import delete_batch
from gatepost.core.paging import in_pages
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.authority import Authority
from gatepost.identity.accounts.errors import EmailTaken, RoleNotGrantable
from gatepost.identity.accounts.guards import take_turn
from gatepost.identity.accounts.models import Role
from gatepost.identity.accounts.names import Name
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Roles, Users
from gatepost.identity.accounts.rights import require_fit
from gatepost.identity.accounts.roles import Permission, RoleName
from gatepost.identity.invitations.models import Invitation
from gatepost.identity.invitations.repository import Invitations
from gatepost.identity.throttling.mailboxes import Mailboxes
from gatepost.mail.outbox import MailKind, enqueue

# Expired invitations are shown to administrators, who may send them again.
HISTORY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Sent:
    """An invitation, and the earlier invitation of the same address that it replaced."""

    invitation: Invitation
    replaced: Invitation | None


class InvitationService:
    """Invites people and revokes invitations."""

    def __init__(self, database: Database, clock: Clock, mailboxes: Mailboxes, *, policy: AccountPolicy) -> None:
        self._db = database
        self._clock = clock
        self._mailboxes = mailboxes
        self._policy = policy

    async def invite(self, email: Name, *, roles: Sequence[str], language: str | None, by: Actor) -> Sent:
        """Send an invitation to an address. It replaces an earlier one of that address.

        The person who accepts it gets these roles and `user`, if the inviter may still grant them then. The shell
        invites in the name of an account and has its authority.

        Raises:
            InvitationsClosed: nobody could accept it.
            EmailTaken: the address has an account.
            UnknownRole: a role does not exist.
            RoleNotGrantable: a role has permissions that the inviter does not have.
            RolesTooLong: the roles do not fit into an access token.
            BeyondAuthority: an earlier invitation of the address has permissions that the inviter does not have.
            TooManyRequests: the address was invited too often recently; the earlier invitation stays valid.
        """
        if self._policy.signup is SignUp.CLOSED:
            raise InvitationsClosed
        # Counted here and not when the mail is sent: a mail dropped then would already have replaced the earlier
        # invitation.
        await self._mailboxes.take(MailKind.INVITATION, email.canonical)
        return await self._invite(email, roles=roles, language=language, by=by)

    @retry_conflicts
    async def _invite(self, email: Name, *, roles: Sequence[str], language: str | None, by: Actor) -> Sent:
        async with self._db.begin() as tx:
            # If two people invite an address at once, the later invitation replaces the earlier one. A role that
            # changes meanwhile either revokes the invitation, or the change is visible here.
            await take_turn(tx)
            authority = await authority_of(tx, by, Permission.USERS_WRITE)
            given = await Roles(tx).given({*roles, RoleName.USER})
            if not authority.reaches(given):
                raise RoleNotGrantable("You can only grant roles that you have yourself.")
            require_fit(given)
            if await Users(tx).by_email(email.canonical) is not None:
                raise EmailTaken
            replaced = await self._make_room(tx, email, authority=authority, by=by)
            invitation = await self._add(tx, email, given, by=by)
            enqueue(
                tx, MailKind.INVITATION, address=email.display, language=language or self._policy.default_language,
                at=invitation.created_at, data={"invitation_id": invitation.id},
            )  # fmt: skip
            self._record(tx, AuditEvent.INVITED, invitation, by=by, **roles_in_words(given))
        return Sent(invitation, replaced)

    def list(self) -> AsyncIterator[Sequence[Invitation]]:
        """Return the invitations that nobody has accepted page by page, the newest first."""
        return in_pages(self._db, lambda tx, last, size: Invitations(tx).page(after=last, size=size))

    @retry_conflicts
    async def take_back(self, invitation_id: int, *, by: Actor) -> None:
        """Revoke an invitation. Requires the same authority as sending it.

        Raises:
            InvitationNotFound: there is no unused invitation with this id.
            BeyondAuthority: it grants permissions that the caller does not have.
        """
        async with self._db.begin() as tx:
            authority = await authority_of(tx, by, Permission.USERS_WRITE)
            invitation = await Invitations(tx).get(invitation_id)
            if invitation is None:
                raise InvitationNotFound
            if not authority.reaches(invitation.roles):
                raise BeyondAuthority
            if not await self._remove(tx, invitation, by=by):
                raise InvitationNotFound

    async def purge(self) -> int:
        """Delete a batch of invitations that expired some time ago; return how many."""
        return await delete_batch(self._db, Invitation.id, Invitation.expires_at <= self._clock.now() - HISTORY)

    async def _make_room(self, tx: Transaction, email: Name, *, authority: Authority, by: Actor) -> Invitation | None:
        """Revoke an earlier invitation of an address, and return it if it was still valid, sent or not."""
        earlier = await Invitations(tx).of_address(email.canonical)
        if earlier is None:
            return None
        is_good = earlier.expires_at > self._clock.now()
        if is_good and not authority.reaches(earlier.roles):
            raise BeyondAuthority
        await self._remove(tx, earlier, by=by)
        return earlier if is_good else None

    async def _add(self, tx: Transaction, email: Name, roles: Sequence[Role], *, by: Actor) -> Invitation:
        if by.in_name_of is None:
            raise AssertionError("an invitation without an account that answers for it")
        now = self._clock.now()
        return await Invitations(tx).add(
            Invitation(
                email=email.display,
                email_canonical=email.canonical,
                inviter_id=by.in_name_of,
                roles=[*roles],
                created_at=now,
                expires_at=now + self._policy.invitation_life,
            )
        )

    async def _remove(self, tx: Transaction, invitation: Invitation, *, by: Actor) -> bool:
        is_gone = await Invitations(tx).remove(invitation)
        if is_gone:
            self._record(tx, AuditEvent.INVITATION_REVOKED, invitation, by=by)
        return is_gone

    def _record(
        self, tx: Transaction, event: AuditEvent, invitation: Invitation, *, by: Actor, **details: object
    ) -> None:
        record(
            tx, event, at=self._clock.now(), actor_id=by.user_id, info=by.info,
            details={"invitation": invitation.id, **details},
        )  # fmt: skip
