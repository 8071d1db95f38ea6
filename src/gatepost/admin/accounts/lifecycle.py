"""What an account may do, and whether it is there at all: roles, disabling, signing out, deleting."""

from collections.abc import Mapping, Sequence

from gatepost.admin.accounts.errors import BeyondAuthority
from gatepost.admin.accounts.links import end_links_of
from gatepost.admin.accounts.preconditions import Actor, IfMatch, authorize_change, roles_in_words
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH
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
# Where one does these to oneself.
OWN_SIGN_OUT = "POST /api/auth/signout-all"
OWN_PASSWORD = "POST /api/auth/password/change, or /api/auth/password/forgot"  # noqa: S105  routes
OWN_DELETION = "DELETE /api/users/me"
# An open session alone must not lock its owner out of every way back.
OWN_DISABLING = f"{OWN_DELETION}, or ask another administrator"


class AccountLifecycle:
    """Gives and takes; every act ends, in its own transaction, the tokens that it makes untrue.

    All methods raise UserNotFound, BeyondAuthority and VersionMismatch, as every act on an account does; what people do
    to their own account by a route of their own raises OwnAccount.
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
        """Give an account exactly these roles; its access tokens are stale, and a refresh shows the new ones.

        Raises:
            UnknownRole: one of them does not exist.
            BeyondAuthority: a role that is given or taken is out of the caller's reach.
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
        """Keep an account from being signed in to, and end its sessions; one that is disabled already is fine.

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
        """Let an account be signed in to again; one that is not disabled is fine."""
        async with self._db.begin() as tx:
            user, _ = await authorize_change(tx, by, user_id, if_match)
            if user.disabled_at is not None:
                user.disabled_at = None
                await self._keep(tx, user, AuditEvent.ACCOUNT_ENABLED, by, before={"disabled": True})
                # What was asked for meanwhile, or lay there from before, does not live again.
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
        """Send the owner a link to choose a new password; nothing goes out while the account is disabled."""
        async with self._db.begin() as tx:
            user, _ = await authorize_change(tx, by, user_id, if_match, own_route=OWN_PASSWORD)
            # A first password is not asked for by its owner, so that its link lives longer.
            kind = MailKind.SET_PASSWORD if user.password_hash == UNUSABLE_HASH else MailKind.RESET_PASSWORD
            await notify(tx, kind, user, at=self._clock.now())
            self._record(tx, AuditEvent.PASSWORD_RESET_REQUESTED, user_id, by, details={})

    @retry_conflicts
    async def delete(self, user_id: int, *, if_match: IfMatch, by: Actor) -> None:
        """Delete an account at once, with all that tells of its owner.

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
        """Write a changed account, and what changed."""
        user.touch(self._clock.now())
        await tx.flush()
        now = {**roles_in_words(user.roles), "disabled": user.disabled_at is not None}
        self._record(tx, event, user.id, by, details={"before": before, "after": {name: now[name] for name in before}})

    def _record(
        self, tx: Transaction, event: AuditEvent, user_id: int, by: Actor, *, details: dict[str, object]
    ) -> None:
        record(tx, event, at=self._clock.now(), user_id=user_id, actor_id=by.user_id, info=by.info, details=details)
