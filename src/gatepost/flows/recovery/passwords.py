"""Changes and resets passwords."""

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.recovery.links import ask_for, open_link
from gatepost.identity.accounts.errors import LinkInvalid, WrongPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.credentials.ownership import Ownership
from gatepost.identity.credentials.password_rules import PasswordRules
from gatepost.identity.credentials.reauthentication import Reauthentication
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.identity.privacy.deletion import take_deletion_back
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.throttling.counters import turn_of
from gatepost.identity.throttling.devices import Device
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.mail.outbox import MailKind


class PasswordService:
    """Changes and resets passwords. A new password ends the other sessions of the account."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        sessions: SessionService,
        reauthentication: Reauthentication,
        ownership: Ownership,
        *,
        rules: PasswordRules,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._sessions = sessions
        self._reauthentication = reauthentication
        self._ownership = ownership
        self._rules = rules
        self._policy = policy

    @retry_conflicts
    async def forgot(self, email: Name, *, info: RequestInfo, device: Device) -> None:
        """Send a link for a new password to an address, if it has an account."""
        async with self._db.begin() as tx:
            await ask_for(
                tx, MailKind.RESET_PASSWORD, email, info=info, device=device,
                default_language=self._policy.default_language, at=self._clock.now(),
            )  # fmt: skip

    async def reset(self, token: str, password: str, *, info: RequestInfo) -> User:
        """Set a new password with the token of a mail, and return the account. All its sessions end.

        Second factors stay, unless the address was never verified before: then they may be a stranger's. A planned
        deletion is cancelled: somebody who knew the old password may have requested it.

        Raises:
            PasswordNotAllowed: the password breaks a rule; the token stays valid.
            LinkInvalid: the token is invalid.
            HashingBusy: too many people are signing in.
        """
        async with self._db.read() as tx:
            link = await OneTimeTokens(tx).peek(Purpose.SET_PASSWORD, token, now=self._clock.now())
            user = await Users(tx).get(link.user_id or 0) if link is not None else None
        if user is None or user.disabled_at is not None:
            raise LinkInvalid
        self._rules.check(password, names=(user.username, user.email))
        new_hash = await self._passwords.hash(password, asker=turn_of(info, str(user.id)))
        return await self._reset(token, new_hash, info=info)

    async def change(self, principal: UserPrincipal, current: str | None, new: str, *, info: RequestInfo) -> None:
        """Replace the caller's password. Every other session of the account ends.

        Raises:
            StepUpRequired: the current one is not enough, or not given, and there is no fresh proof.
            WrongPassword: the current one is wrong.
            TooManyAttempts, TooManyRequests: too many wrong, or too many correct passwords recently.
            PasswordNotAllowed: the new one breaks a rule.
            UserNotFound: the account has just been deleted.
            HashingBusy: too many people are signing in.
        """
        user = await self._reauthentication.confirm(principal, current, info=info)
        self._rules.check(new, names=(user.username, user.email), field="newPassword")
        new_hash = await self._passwords.hash(new, asker=turn_of(info, str(user.id)))
        await self._change(principal, user.password_hash, new_hash, info=info)

    @retry_conflicts
    async def _reset(self, token: str, new_hash: str, *, info: RequestInfo) -> User:
        now = self._clock.now()
        async with self._db.begin() as tx:
            used, user = await open_link(tx, token, Purpose.SET_PASSWORD, now=now)
            if user.email_canonical != used.email_canonical:
                raise LinkInvalid
            await self._ownership.prove(tx, user, is_owner=False, info=info)
            take_deletion_back(tx, user, now=now, info=info)
            await self._set(tx, user, new_hash, LinkEnd.PASSWORD_RESET, keep=None, info=info)
        return user

    @retry_conflicts
    async def _change(self, principal: UserPrincipal, old_hash: str, new_hash: str, *, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            user = await Users(tx).of(principal.account, is_locked=True)
            if user is None or user.password_hash != old_hash:
                raise WrongPassword  # it has just been replaced
            await self._set(tx, user, new_hash, LinkEnd.PASSWORD_CHANGED, keep=principal.session_id, info=info)

    async def _set(
        self, tx: Transaction, user: User, new_hash: str, how: LinkEnd, *, keep: int | None, info: RequestInfo
    ) -> None:
        now = self._clock.now()
        user.password_hash = new_hash
        user.touch(now)
        await tx.flush()
        await end_links(tx, user.id, how, now=now)
        await TrustedDevices(tx).forget(user.id)
        await self._sessions.end(tx, user_id=user.id, keep=keep, reason="password_changed", info=info)
        await notify(tx, MailKind.PASSWORD_CHANGED, user, at=now, info=info)
        record(tx, AuditEvent.PASSWORD_CHANGED, at=now, user_id=user.id, session_id=keep, info=info)
