"""Verifies and changes e-mail addresses."""

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.recovery.links import ask_for, end_claims_since, is_done, open_link
from gatepost.identity.accounts.errors import AlreadyVerified, EmailTaken, LinkInvalid
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, mailbox_of, read_email
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.credentials.reauthentication import Reauthentication
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import Purpose
from gatepost.identity.registration.pending import PendingSignUps
from gatepost.identity.sessions.callers import proved_caller
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.throttling.devices import Device
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.mail.outbox import MailKind


class AddressService:
    """Verifies and changes e-mail addresses. It never reveals whether an address has an account."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        reauthentication: Reauthentication,
        sign_ups: PendingSignUps,
        feed: RevocationFeed,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._reauthentication = reauthentication
        self._sign_ups = sign_ups
        self._feed = feed
        self._policy = policy

    @retry_conflicts
    async def send_link(self, email: Name, *, info: RequestInfo, device: Device) -> None:
        """Send a verification link to an address, if it belongs to an unverified account or a pending sign-up."""
        async with self._db.begin() as tx:
            await ask_for(
                tx, MailKind.VERIFY_EMAIL, email, info=info, device=device,
                default_language=self._policy.default_language, at=self._clock.now(),
            )  # fmt: skip

    async def confirm(self, token: str, *, password: str | None, info: RequestInfo) -> None:
        """Verify an address, complete a change of address, or complete a sign-up, with the token of the mail.

        Raises:
            LinkInvalid: the token is invalid, or the account has changed since. AlreadyVerified: it was used before,
            and the account still has the verified address. PasswordRequired, WrongSignUpPassword, TooManyAttempts: it
            completes a sign-up, and the correct password is missing. HashingBusy: too many people are signing in.
            EmailTaken, UsernameTaken: another account now has the new address, or the name of the sign-up.
            SignUpClosed, InvitationRequired: sign-up was closed meanwhile.
        """
        try:
            if not await self._sign_ups.confirm(token, password, info=info):
                await self._confirm(token, info=info)
        except IntegrityError as error:
            raise EmailTaken from error
        except LinkInvalid:
            async with self._db.read() as tx:
                if await is_done(tx, token):
                    raise AlreadyVerified from None
            raise

    async def ask_change(
        self, principal: UserPrincipal, email: Name, password: str | None, *, info: RequestInfo
    ) -> bool:
        """Send a verification link to a new address. The old address stays until then.

        A change of letter case only takes effect at once, without a mail. Returns whether this was the case.

        Raises:
            StepUpRequired: the password is not enough, or not given, and there is no fresh proof.
            WrongPassword: the current password is wrong.
            TooManyAttempts: it was wrong too often.
            UserNotFound: the account has just been deleted.
        """
        user = await self._reauthentication.confirm(principal, password, info=info)
        return await self._ask_change(principal, email, user.password_hash, info=info)

    @retry_conflicts
    async def _ask_change(self, principal: UserPrincipal, email: Name, proved_hash: str, *, info: RequestInfo) -> bool:
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            if mailbox_of(email.display) == mailbox_of(user.email):
                await self._respell(tx, user, email, session_id=principal.session_id, info=info)
                return True
            asker = f"account {user.id}"
            await notify(tx, MailKind.CONFIRM_NEW_EMAIL, user, at=now, email=email, data={"asker": asker})
            record(
                tx, AuditEvent.EMAIL_CHANGE_REQUESTED, at=now, user_id=user.id, session_id=principal.session_id,
                info=info,
            )  # fmt: skip
            return False

    async def _respell(self, tx: Transaction, user: User, email: Name, *, session_id: int, info: RequestInfo) -> None:
        """Change the spelling of an address; it stays verified or unverified."""
        if email.display == user.email:
            return
        now = self._clock.now()
        is_renamed = user.change_email(email)
        user.touch(now)
        await tx.flush()
        if is_renamed:
            await self._feed.revoke_account(tx, user.id)
        record(
            tx, AuditEvent.EMAIL_CHANGED, at=now, user_id=user.id, session_id=session_id, info=info,
            details={"mailbox": "same"},
        )  # fmt: skip

    @retry_conflicts
    async def _confirm(self, token: str, *, info: RequestInfo) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            used, user = await open_link(tx, token, Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL, now=now)
            if used.purpose == Purpose.VERIFY_EMAIL:
                self._verify(tx, used, user, info=info)
            else:
                await self._change(tx, used, user, info=info)

    def _verify(self, tx: Transaction, used: OneTimeToken, user: User, *, info: RequestInfo) -> None:
        now = self._clock.now()
        if user.email_canonical != used.email_canonical:
            raise LinkInvalid
        if user.email_verified_at is None:
            user.email_verified_at = user.updated_at = now
            record(tx, AuditEvent.EMAIL_VERIFIED, at=now, user_id=user.id, info=info)

    async def _change(self, tx: Transaction, used: OneTimeToken, user: User, *, info: RequestInfo) -> None:
        now = self._clock.now()
        new = read_email(used.data["email"])
        await end_links(tx, user.id, LinkEnd.ADDRESS_CHANGED, now=now)
        # A return to an address that still has a claim counts as using that claim.
        is_return = await end_claims_since(tx, user.id, mailbox_of(new.display), now=now)
        await notify(
            tx,
            MailKind.EMAIL_CHANGED,
            user,
            at=now,
            info=info,
            has_link=not is_return,
        )
        if user.change_email(new):
            await self._feed.revoke_account(tx, user.id)  # access tokens contain the name
        user.email_verified_at = now
        user.touch(now)
        await tx.flush()
        record(tx, AuditEvent.EMAIL_CHANGED, at=now, user_id=user.id, info=info)
