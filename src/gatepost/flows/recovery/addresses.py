"""Verifies and changes e-mail addresses."""

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.recovery.links import ask_for, end_claims_since, is_done, open_link
from gatepost.flows.recovery.owners import OF_ADDRESSES, FollowedLink, Owners, Shown
from gatepost.identity.accounts.errors import AlreadyVerified, EmailTaken, LinkInvalid
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, mailbox_of, read_email
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.credentials.ownership import Ownership
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
        owners: Owners,
        ownership: Ownership,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._reauthentication = reauthentication
        self._sign_ups = sign_ups
        self._feed = feed
        self._owners = owners
        self._ownership = ownership
        self._policy = policy

    @retry_conflicts
    async def send_link(self, email: Name, *, info: RequestInfo, device: Device) -> None:
        """Send a verification link to an address, if it belongs to an unverified account or a pending sign-up."""
        async with self._db.begin() as tx:
            await ask_for(
                tx, MailKind.VERIFY_EMAIL, email, info=info, device=device,
                default_language=self._policy.default_language, at=self._clock.now(),
            )  # fmt: skip

    async def confirm(self, link: FollowedLink, *, info: RequestInfo, device: Device) -> None:
        """Verify an address, complete a change of address, or complete a sign-up, with the token of the mail.

        Raises:
            LinkInvalid: the token is invalid, or the account has changed since. AlreadyVerified: it was used before,
            and the account still has the verified address. ProofRequired: nothing shows that the account or sign-up is
            theirs who follow the link. WrongSignUpPassword, PasskeyInvalid: the password or the passkey does not.
            TooManyAttempts, TooManyRequests, HashingBusy: as at a sign-in.
            EmailTaken, UsernameTaken: another account now has the new address, or the name of the sign-up.
            SignUpClosed, InvitationRequired: sign-up was closed meanwhile.
        """
        try:
            if not await self._sign_ups.confirm(link.token, link.password, info=info):
                shown = await self._owners.prove(link, info=info, device=device)
                await self._confirm(link, shown, info=info)
                if shown is not None:
                    await shown.attempt.succeeded()
        except IntegrityError as error:
            raise EmailTaken from error
        except LinkInvalid:
            async with self._db.read() as tx:
                if await is_done(tx, link.token):
                    raise AlreadyVerified from None
            raise

    @retry_conflicts
    async def refuse(self, token: str, *, info: RequestInfo) -> None:
        """Use up the link of a mail whose reader has neither signed up nor asked for it; nothing is verified.

        All by which the account can be signed in to ends, if its address was never verified. A sign-up ends.

        Raises:
            LinkInvalid: the token is invalid, or the account has changed since.
        """
        async with self._db.begin() as tx:
            if await self._sign_ups.refuse(tx, token):
                return
            used, user = await open_link(tx, token, *OF_ADDRESSES, now=self._clock.now())
            if used.purpose == Purpose.VERIFY_EMAIL:
                _require_same_address(used, user)
                await self._ownership.take_back(tx, user, info=info)

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
    async def _confirm(self, link: FollowedLink, shown: Shown | None, *, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            used, user = await open_link(tx, link.token, *OF_ADDRESSES, now=self._clock.now())
            if used.purpose == Purpose.VERIFY_EMAIL:
                _require_same_address(used, user)
            await self._owners.require(tx, user, link, shown, info=info)
            if used.purpose == Purpose.VERIFY_EMAIL:
                await self._verify(tx, user, info=info)
            else:
                await self._change(tx, used, user, info=info)

    async def _verify(self, tx: Transaction, user: User, *, info: RequestInfo) -> None:
        if user.email_verified_at is None:
            now = self._clock.now()
            user.updated_at = now
            await self._ownership.prove(tx, user, is_owner=True, info=info)
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
        user.verify_email(now)
        user.touch(now)
        await tx.flush()
        record(tx, AuditEvent.EMAIL_CHANGED, at=now, user_id=user.id, info=info)


def _require_same_address(used: OneTimeToken, user: User) -> None:
    """Let a link pass that verifies the address which its account has.

    Raises:
        LinkInvalid: the account has another one by now.
    """
    if user.email_canonical != used.email_canonical:
        raise LinkInvalid
