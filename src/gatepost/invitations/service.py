"""Invitations: a mail with a link, good for one account with the roles that were chosen."""

import secrets
from collections.abc import Sequence

from gatepost.access.authority import Authority
from gatepost.access.principal import Principal
from gatepost.accounts.errors import EmailTaken, RoleNotGrantable
from gatepost.accounts.models import OneTimeToken
from gatepost.accounts.names import Name
from gatepost.accounts.one_time_tokens import OneTimeTokens, Purpose
from gatepost.accounts.policy import AccountPolicy
from gatepost.accounts.repository import Users
from gatepost.accounts.service import AccountService
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, retry_conflicts
from gatepost.invitations.errors import InvitationNotFound
from gatepost.mail.outbox import MailKind, enqueue


class InvitationService:
    """Invites people and takes invitations back."""

    def __init__(self, database: Database, clock: Clock, accounts: AccountService, *, policy: AccountPolicy) -> None:
        self._db = database
        self._clock = clock
        self._accounts = accounts
        self._policy = policy

    @retry_conflicts
    async def invite(
        self, principal: Principal, email: Name, *, roles: Sequence[str], language: str | None, client: Client
    ) -> OneTimeToken:
        """Send an invitation for an address; who accepts it gets these roles besides `user`.

        Raises:
            EmailTaken: the address has an account.
            UnknownRole: a role does not exist.
            RoleNotGrantable: a role is out of the inviter's reach.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            if await Users(tx).by_email(email.canonical) is not None:
                raise EmailTaken
            if not Authority.of_token(principal).reaches(await self._accounts.named_roles(tx, roles)):
                raise RoleNotGrantable("You can give only the roles that you have yourself.")
            row = OneTimeToken(
                purpose=Purpose.INVITATION.value,
                # The link's token is made when the mail is sent; until then no token fits.
                digest=secrets.token_hex(32),
                user_id=None,
                email_canonical=email.canonical,
                data={"email": email.display, "roles": sorted(set(roles)), "invited_by": principal.username},
                created_at=now,
                expires_at=now + self._policy.invitation_life,
            )
            tx.add(row)
            await tx.flush()
            enqueue(
                tx,
                MailKind.INVITATION,
                address=email.display,
                language=language or self._policy.default_language,
                at=now,
                data={"token_id": row.id},
            )
            record(
                tx, AuditEvent.INVITED, at=now, actor_id=principal.user_id, client=client,
                details={"invitation": row.id, "roles": sorted(set(roles))},
            )  # fmt: skip
        return row

    async def list(self) -> Sequence[OneTimeToken]:
        """Return the invitations that nobody has accepted, the newest first."""
        async with self._db.read() as tx:
            return await OneTimeTokens(tx).unused(Purpose.INVITATION)

    @retry_conflicts
    async def take_back(self, principal: Principal, invitation_id: int, *, client: Client) -> None:
        """Make an invitation useless.

        Raises:
            InvitationNotFound: there is no unused invitation with this id.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            row = await tx.get(OneTimeToken, invitation_id, with_for_update=True)
            if row is None or row.purpose != Purpose.INVITATION.value or row.used_at is not None:
                raise InvitationNotFound
            row.used_at = now
            record(
                tx, AuditEvent.INVITATION_TAKEN_BACK, at=now, actor_id=principal.user_id, client=client,
                details={"invitation": row.id},
            )  # fmt: skip
