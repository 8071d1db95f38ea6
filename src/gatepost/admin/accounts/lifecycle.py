"""Roles of an account, disabling, signing out and deleting."""

from collections.abc import Mapping, Sequence

from gatepost.admin.accounts.errors import BeyondAuthority
from gatepost.admin.accounts.links import end_links_of
from gatepost.admin.accounts.preconditions import Actor, IfMatch, authorize_change, roles_in_words
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.identity.accounts.guards import require_another_administrator
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Roles
from gatepost.identity.accounts.rights import require_fit
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.privacy.deletion import DeletionService
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.sessions.service import SessionService
from gatepost.mail.outbox import MailKind

DISABLED = "disabled"
ENDED = "ended_by_administrator"
# The routes for one's own account.
OWN_SIGN_OUT = "POST /api/auth/signout-all"
OWN_PASSWORD = "POST /api/auth/password/change, or /api/auth/password/forgot"  # noqa: S105  routes
OWN_DELETION = "DELETE /api/users/me"
# A stolen session alone must not be able to lock out the owner.
OWN_DISABLING = f"{OWN_DELETION}, or ask another administrator"


class AccountLifecycle:
    """Changes what accounts may do. Each change invalidates outdated tokens in the same transaction.

    All methods raise UserNotFound, BeyondAuthority and VersionMismatch. Those with another route for one's own account
    also raise OwnAccount.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        feed: RevocationFeed,
        *,
        sessions: SessionService,
        deletion: DeletionService,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._feed = feed
        self._sessions = sessions
        self._leaving = deletion
        self._policy = policy

    @retry_conflicts
    async def set_roles(self, user_id: int, names: Sequence[str], *, if_match: IfMatch, by: Actor) -> User:
        """Replace the roles of an account. Its access tokens become stale, and a refresh returns the new roles.

        Raises:
            UnknownRole: one of them does not exist.
            BeyondAuthority: a role that is added or removed has permissions that the caller does not have.
            RolesTooLong: they do not fit into an access token.
            LastAdministrator: nobody else could look after the others.
        """
        async with self._db.begin() as tx:
            user, authority = await authorize_change(tx, by, user_id, if_match)
            if RoleName.ADMIN not in names:
                await require_another_administrator(tx, user, policy=self._policy)
            roles = list(await Roles(tx).given(names))
            before = roles_in_words(user.roles)
            moved = [role for role in (*roles, *user.roles) if (role in roles) != (role in user.roles)]
            if not moved:
                return user
            if not authority.reaches(moved):
                raise BeyondAuthority
            require_fit(roles, before=user.roles)
            user.roles = roles
            await self._keep(tx, user, AuditEvent.ROLES_CHANGED, by, before=before)
            await end_links_of(tx, user, LinkEnd.ROLES_CHANGED, now=self._clock.now())
            await self._feed.revoke_account(tx, user_id)
        return user

    @retry_conflicts
    async def disable(self, user_id: int, *, if_match: IfMatch, by: Actor) -> User:
        """Disable an account and end its sessions. It may already be disabled.

        Raises:
            LastAdministrator: nobody else could look after the others.
        """
        async with self._db.begin() as tx:
            user, _ = await authorize_change(tx, by, user_id, if_match, own_route=OWN_DISABLING)
            if user.disabled_at is not None:
                return user
            await require_another_administrator(tx, user, policy=self._policy)
            user.disabled_at = self._clock.now()
            await self._keep(tx, user, AuditEvent.ACCOUNT_DISABLED, by, before={"disabled": False})
            await end_links(tx, user_id, LinkEnd.DISABLED, now=self._clock.now())
            await self._sessions.end(tx, user_id=user_id, reason=DISABLED)
            await self._feed.revoke_account(tx, user_id)
        return user

    @retry_conflicts
    async def enable(self, user_id: int, *, if_match: IfMatch, by: Actor) -> User:
        """Enable an account. It may already be enabled."""
        async with self._db.begin() as tx:
            user, _ = await authorize_change(tx, by, user_id, if_match)
            if user.disabled_at is not None:
                user.disabled_at = None
                await self._keep(tx, user, AuditEvent.ACCOUNT_ENABLED, by, before={"disabled": True})
                # Links from before, or requested while it was disabled, stay invalid.
                await end_links_of(tx, user, LinkEnd.ENABLED, now=self._clock.now())
        return user

    @retry_conflicts
    async def sign_out(self, user_id: int, *, if_match: IfMatch, by: Actor) -> None:
        """End every session of an account."""
        async with self._db.begin() as tx:
            user, _ = await authorize_change(tx, by, user_id, if_match, own_route=OWN_SIGN_OUT)
            await end_links_of(tx, user, LinkEnd.SIGNED_OUT, now=self._clock.now())
            ended = await self._sessions.end(tx, user_id=user_id, reason=ENDED)
            self._record(tx, AuditEvent.SIGNED_OUT_BY_ADMINISTRATOR, user_id, by, details={"sessions": len(ended)})

    @retry_conflicts
    async def send_password_link(self, user_id: int, *, if_match: IfMatch, by: Actor) -> None:
        """Send the owner a link to choose a new password. No mail is sent while the account is disabled."""
        async with self._db.begin() as tx:
            user, _ = await authorize_change(tx, by, user_id, if_match, own_route=OWN_PASSWORD)
            # The owner does not request a first password, so its link is valid for longer.
            kind = MailKind.RESET_PASSWORD if user.has_password else MailKind.SET_PASSWORD
            await notify(tx, kind, user, at=self._clock.now())
            self._record(tx, AuditEvent.PASSWORD_RESET_REQUESTED, user_id, by, details={})

    @retry_conflicts
    async def delete(self, user_id: int, *, if_match: IfMatch, by: Actor) -> None:
        """Delete an account immediately, with all personal data.

        Raises:
            LastAdministrator: nobody else could look after the others.
        """
        async with self._db.begin() as tx:
            user, _ = await authorize_change(tx, by, user_id, if_match, own_route=OWN_DELETION)
            await require_another_administrator(tx, user, policy=self._policy)
            details = {"before": {**roles_in_words(user.roles), "disabled": user.disabled_at is not None}}
            await self._leaving.erase(tx, user_id, actor_id=by.user_id, info=by.info, details=details)

    async def _keep(
        self, tx: Transaction, user: User, event: AuditEvent, by: Actor, *, before: Mapping[str, object]
    ) -> None:
        """Save a changed account, and record the change."""
        user.touch(self._clock.now())
        await tx.flush()
        now = {**roles_in_words(user.roles), "disabled": user.disabled_at is not None}
        self._record(tx, event, user.id, by, details={"before": before, "after": {name: now[name] for name in before}})

    def _record(
        self, tx: Transaction, event: AuditEvent, user_id: int, by: Actor, *, details: dict[str, object]
    ) -> None:
        record(tx, event, at=self._clock.now(), user_id=user_id, actor_id=by.user_id, info=by.info, details=details)
