"""The account of somebody whom a provider vouches for: the one that has the identity, or one that gets it now."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.signin.providers.errors import AccountExists, EmailNeeded
from gatepost.identity.accounts.errors import AccountDisabled
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, mailbox_of
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Users
from gatepost.identity.credentials.external.linking import IdentityLinks
from gatepost.identity.credentials.ownership import Ownership
from gatepost.identity.external.authorizations import Told
from gatepost.identity.external.models import PendingAuthorization
from gatepost.identity.external.repository import Identities
from gatepost.identity.invitations.acceptance import accept_found
from gatepost.identity.registration.service import AccountService, username_taken

# Somebody may take the identity, the address or the name at the same moment, and the next try sees that.
TRIES = 5


class IdentityAccounts:
    """Finds and makes accounts. An identity is never linked with an account because of the address alone."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        accounts: AccountService,
        links: IdentityLinks,
        ownership: Ownership,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._accounts = accounts
        self._links = links
        self._ownership = ownership
        self._policy = policy

    async def settle(self, pending: PendingAuthorization, told: Told, *, info: RequestInfo) -> None:
        """Let the identity of a provider's answer have an account from now on, if it has none.

        Where nobody has the address that the provider vouches for, the account is made. Where an account has it that
        was never proved to be anybody's, what was set up with it ends, and it is theirs.

        Raises:
            AccountExists: another account has the address, and its owner has to sign in to link it.
            EmailNeeded: there is no address that the provider vouches for.
            AccountDisabled: the account that has the address is disabled.
            SignUpClosed, InvitationRequired, InvitationInvalid: they may not sign up.
            RolesTooLong: the roles of the invitation are too long for an access token by now.
        """
        for _ in range(TRIES - 1):
            try:
                return await self._settle(pending, told, info=info)
            except IntegrityError:
                continue
        return await self._settle(pending, told, info=info)

    async def require_free(self, tx: Transaction, username: Name) -> None:
        """Let a user name pass that nobody has.

        Raises:
            UsernameTaken: somebody has it.
        """
        if await Users(tx).by_username(username.canonical) is not None:
            raise username_taken()

    @retry_conflicts
    async def _settle(self, pending: PendingAuthorization, told: Told, *, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            email = told.address if told.is_email_verified else None
            user_id = await _owner_of(tx, email) if email is not None else None
            # In this order: another callback may commit both in between, and then the identity is seen.
            if await Identities(tx).by_subject(told.issuer, told.subject) is not None:
                return
            if email is None:
                self._policy.require_sign_up(is_invited=pending.invitation_id is not None)
                given, title = told.address, self._links.title_of(pending.provider)
                raise EmailNeeded(
                    provider=pending.provider, title=title, email=given.display if given is not None else None
                )
            if user_id is None:
                user = await self._make(tx, pending, told, email, info=info)
                await self._links.add(tx, user, pending.provider, told, session_id=None, info=info)
                return
            user = await self._taken_back(tx, user_id, pending, email, info=info)
            await self._links.link(tx, user, pending.provider, told, session_id=None, info=info)

    async def _make(
        self, tx: Transaction, pending: PendingAuthorization, told: Told, email: Name, *, info: RequestInfo
    ) -> User:
        if pending.invitation_id is None:
            return await self._accounts.add_proved(tx, email, hint=told.hint, info=info)
        now = self._clock.now()
        self._policy.require_sign_up(is_invited=True)
        roles = await accept_found(tx, pending.invitation_id, email=email, now=now)
        user = await self._accounts.add_proved(tx, email, hint=told.hint, info=info, invited_to=roles)
        details = {"invitation": pending.invitation_id}
        record(tx, AuditEvent.INVITATION_ACCEPTED, at=now, user_id=user.id, info=info, details=details)
        return user

    async def _taken_back(
        self, tx: Transaction, user_id: int, pending: PendingAuthorization, email: Name, *, info: RequestInfo
    ) -> User:
        """Return the account that has an address, and was nobody's until now; else its owner has to sign in."""
        user = await Users(tx).get_for_update(user_id)
        if user is not None and user.disabled_at is not None and user.email_verified_at is None:
            raise AccountDisabled
        if user is None or not await self._ownership.take_back(tx, user, info=info):
            title = self._links.title_of(pending.provider)
            raise AccountExists(provider=pending.provider, title=title, email=email.display)
        if mailbox_of(user.email) != mailbox_of(email.display):
            user.change_email(email)  # another spelling may be somebody else's mailbox
        await self._ownership.prove(tx, user, is_owner=True, info=info)
        record(tx, AuditEvent.EMAIL_VERIFIED, at=self._clock.now(), user_id=user.id, info=info)
        return user


async def _owner_of(tx: Transaction, email: Name) -> int | None:
    return await tx.scalar(select(User.id).where(User.email_canonical == email.canonical))
