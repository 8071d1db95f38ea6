"""Creates and changes accounts for administrators."""

from dataclasses import dataclass, field, replace

from sqlalchemy.exc import IntegrityError

from gatepost.admin.accounts.errors import BeyondAuthority
from gatepost.admin.accounts.links import end_links_of
from gatepost.admin.accounts.preconditions import Caller, IfMatch, authority_of, authorize_change, roles_in_words
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH, Passwords
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.errors import FieldProblem
from gatepost.core.settings import EmailVerification
from gatepost.identity.accounts.errors import EmailTaken, UsernameTaken
from gatepost.identity.accounts.guards import require_another_administrator
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, mailbox_of
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Roles, Users
from gatepost.identity.accounts.roles import Permission
from gatepost.identity.credentials.password_rules import PasswordRules
from gatepost.identity.links.mails import LinkEnd, notify
from gatepost.identity.registration.service import AccountService, username_of
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.throttling.counters import turn_of
from gatepost.mail.outbox import MailKind

# The routes for one's own account; there, a new address requires the password.
OWN_CHANGE = "PATCH /api/users/me, and POST /api/auth/email/change for the address"


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """A new account for somebody else."""

    username: Name
    email: Name
    password: str | None = field(repr=False)
    roles: tuple[str, ...]
    is_verified: bool
    language: str | None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """The changes of an account; None means no change."""

    username: Name | None = None
    email: Name | None = None
    is_verified: bool | None = None
    language: str | None = None


class AccountEditor:
    """Creates and changes accounts for administrators."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        accounts: AccountService,
        feed: RevocationFeed,
        *,
        rules: PasswordRules,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._accounts = accounts
        self._feed = feed
        self._rules = rules
        self._policy = policy

    async def create(self, draft: AccountDraft, *, by: Caller) -> User:
        """Create an account. Without a password, its owner gets a mail with a link to choose one.

        Raises:
            UsernameTaken, EmailTaken: another account has it.
            UnknownRole: a role does not exist.
            BeyondAuthority: a role is out of the caller's reach.
            RolesTooLong: the roles do not fit into an access token.
            PasswordNotAllowed: the password breaks a rule.
            HashingBusy: too many people are signing in.
        """
        password_hash = UNUSABLE_HASH
        if draft.password is not None:
            self._rules.check(draft.password, names=(draft.username.display, draft.email.display))
            password_hash = await self._passwords.hash(draft.password, asker=turn_of(by.info, str(by.user_id)))
        try:
            return await self._create(draft, password_hash, by=by)
        except IntegrityError:
            # The account that was first is visible now.
            return await self._create(draft, password_hash, by=by)

    async def change(self, user_id: int, change: AccountChange, *, if_match: IfMatch, by: Caller) -> User:
        """Change the profile of an account.

        A new address is unverified unless the change says otherwise. Links that were sent to the old address become
        invalid, and the old address is notified. A new user name makes access tokens stale and links that the account
        has requested invalid.

        Raises:
            UserNotFound, BeyondAuthority, VersionMismatch: as for every change of an account.
            OwnAccount: it is the caller's own.
            UsernameTaken, EmailTaken: another account has it.
            UsernameInvalid: the name is an e-mail address, but not the account's own.
            LastAdministrator: it could not sign in before its address is verified, and there is no other administrator.
        """
        try:
            return await self._change(user_id, change, if_match=if_match, by=by)
        except IntegrityError:
            return await self._change(user_id, change, if_match=if_match, by=by)

    @retry_conflicts
    async def _create(self, draft: AccountDraft, password_hash: str, *, by: Caller) -> User:
        now = self._clock.now()
        async with self._db.begin() as tx:
            authority = await authority_of(tx, by, Permission.USERS_WRITE)
            roles = await Roles(tx).given(draft.roles)
            if not authority.reaches(roles):
                raise BeyondAuthority
            await _refuse_taken(tx, username=draft.username, email=draft.email)
            user = User.new(
                draft.username,
                draft.email,
                password_hash=password_hash,
                language=draft.language or self._policy.default_language,
                roles=roles,
                is_verified=draft.is_verified,
                now=now,
            )
            after = {**roles_in_words(roles), "email_verified": draft.is_verified}
            await self._accounts.insert(tx, user, info=by.info, actor_id=by.user_id, details={"after": after})
            if draft.password is None:
                await notify(tx, MailKind.SET_PASSWORD, user, at=now)
            else:
                await self._ask_for_proof(tx, user)
        return user

    @retry_conflicts
    async def _change(self, user_id: int, change: AccountChange, *, if_match: IfMatch, by: Caller) -> User:
        now = self._clock.now()
        async with self._db.begin() as tx:
            user, _ = await authorize_change(tx, by, user_id, if_match, own_route=OWN_CHANGE)
            if change.username is not None:
                own = change.email or Name(user.email, user.email_canonical)
                change = replace(change, username=username_of(change.username, email=own))
            await _refuse_taken(tx, username=change.username, email=change.email, but=user_id)
            before = _plain(user)
            changed = await self._apply(tx, user, change)
            after = _plain(user)
            if changed or after != before:
                user.touch(now)
                record(
                    tx, AuditEvent.PROFILE_CHANGED, at=now, user_id=user_id, actor_id=by.user_id, info=by.info,
                    details={"changed": changed, "before": before, "after": after},
                )  # fmt: skip
                await tx.flush()
        return user

    async def _apply(self, tx: Transaction, user: User, change: AccountChange) -> list[str]:
        """Change an account; return which of its names changed. The audit log does not contain their values."""
        now = self._clock.now()
        changed = []
        was_verified = user.email_verified_at is not None
        if change.username is not None and change.username.display != user.username:
            user.rename(change.username)
            changed.append("username")
            await end_links_of(tx, user, LinkEnd.NAME_REPLACED, now=now)
        if change.email is not None and change.email.display != user.email:
            changed.append("email")
            if await self._move(tx, user, change.email) and "username" not in changed:
                changed.append("username")
        if change.is_verified is not None and change.is_verified != (user.email_verified_at is not None):
            if change.is_verified:
                user.verify_email(now)
            else:
                user.unverify_email()
            await end_links_of(tx, user, LinkEnd.PROOF_SET, now=now)
        if was_verified and user.email_verified_at is None and self._policy.verification is EmailVerification.REQUIRED:
            await require_another_administrator(tx, user, policy=self._policy)
        if change.language is not None:
            user.language = change.language
        await tx.flush()
        if "username" in changed:
            await self._feed.revoke_account(tx, user.id)
        if "email" in changed:
            await self._ask_for_proof(tx, user)
        return changed

    async def _move(self, tx: Transaction, user: User, email: Name) -> bool:
        """Change the address of an account, or only its letter case; return whether the user name changed with it.

        The old address is notified, but cannot undo the change: the account may belong to somebody else now.
        """
        now = self._clock.now()
        is_other = mailbox_of(email.display) != mailbox_of(user.email)
        if is_other:
            await notify(tx, MailKind.EMAIL_CHANGED, user, at=now, has_link=False)
            user.unverify_email()
        is_renamed = user.change_email(email)
        if is_other:
            await end_links_of(tx, user, LinkEnd.ADDRESS_REPLACED, now=now)
        return is_renamed

    async def _ask_for_proof(self, tx: Transaction, user: User) -> None:
        if user.email_verified_at is None and self._policy.verification is not EmailVerification.OFF:
            await notify(tx, MailKind.VERIFY_EMAIL, user, at=self._clock.now())


async def _refuse_taken(tx: Transaction, *, username: Name | None, email: Name | None, but: int | None = None) -> None:
    """Check that no other account has these names.

    Raises:
        UsernameTaken, EmailTaken: another account has it.
    """
    users = Users(tx)
    if username is not None:
        other = await users.by_username(username.canonical)
        if other is not None and other.id != but:
            raise UsernameTaken(fields=[FieldProblem("username", UsernameTaken.code, UsernameTaken.message)])
    if email is not None:
        other = await users.by_email(email.canonical)
        if other is not None and other.id != but:
            raise EmailTaken(fields=[FieldProblem("email", EmailTaken.code, EmailTaken.message)])


def _plain(user: User) -> dict[str, object]:
    """Return what may stay in the audit log forever: nothing that identifies a person."""
    return {"language": user.language, "email_verified": user.email_verified_at is not None}
