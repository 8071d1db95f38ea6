"""Handles "this was not me": undoes what somebody else did."""

from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.recovery.links import open_link
from gatepost.identity.accounts.errors import LinkInvalid
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, mailbox_of, read_email
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.proofs import proofs_of
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.credentials.external.linking import IdentityLinks
from gatepost.identity.credentials.ownership import Ownership
from gatepost.identity.credentials.passkeys.repository import Passkeys
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.credentials.totp.method import TotpMethod
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.enrolment import has_second_factor
from gatepost.identity.factors.methods import BY_IDENTITY
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.identity.privacy.deletion import take_deletion_back
from gatepost.identity.sessions.models import DISOWNED
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.throttling.guesses import Guesses
from gatepost.mail.outbox import MailKind

# Receives no mail (RFC 6761): the new address of an account that had an address of somebody else.
NOWHERE = "account-{id}@taken-back.invalid"


class CompromiseReports:
    """Ends a stranger's sessions, makes the password unusable, and starts the recovery.

    Each warning mail is a claim of the address that it goes to. Claims of older addresses are stronger: using a claim
    ends those of later addresses of the account, but not those of earlier ones. So the owner can undo everything that a
    thief does with a later address.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sessions: SessionService,
        feed: RevocationFeed,
        guesses: Guesses,
        totp: TotpMethod,
        recovery_codes: RecoveryCodeMethod,
        ownership: Ownership,
        identity_links: IdentityLinks,
    ) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions
        self._feed = feed
        self._guesses = guesses
        self._totp = totp
        self._recovery_codes = recovery_codes
        self._ownership = ownership
        self._identity_links = identity_links

    async def report(self, token: str, *, info: RequestInfo) -> bool:
        """Restore the address of the mail, send a link for a new password, and return whether it was sent.

        After a reported sign-in, its session, all later sessions and the sessions of its device end. If the password or
        the address was changed, all sessions end. An authenticator app, passkeys or recovery codes that the mail
        reports, or that came after it, are removed: the stranger has them. So is an account at another provider that
        opened the reported session, or was linked then or later. If the address was never verified, all sessions,
        factors and linked accounts go. Waits after wrong codes end. A planned deletion is cancelled, and all
        invitations of the account are revoked.

        If another account has taken the address meanwhile without verifying it, it loses the address, since the token
        verifies it. If that account has verified it, no link is sent and this account is left without an address, since
        its current one belongs to a stranger.

        Raises:
            LinkInvalid: the token is invalid, or its account is disabled.
        """
        try:
            return await self._report(token, info=info)
        except IntegrityError:  # another account took it at the same moment, and is visible now
            return await self._report(token, info=info)

    @retry_conflicts
    async def _report(self, token: str, *, info: RequestInfo) -> bool:
        now = self._clock.now()
        async with self._db.begin() as tx:
            used, user = await open_link(tx, token, Purpose.COMPROMISE_REPORT, now=now)
            email = _claimed(used, user)
            mailbox = mailbox_of(email.display)
            was_moved = mailbox_of(user.email) != mailbox
            is_theirs = not was_moved or await self._restore(tx, user, email, info=info)
            # The stranger may know the password.
            user.password_hash = UNUSABLE_HASH
            user.disowned_at = now
            user.touch(now)
            take_deletion_back(tx, user, now=now, info=info)
            await tx.flush()
            await self._remove_factors(tx, used, user, info=info)
            await TrustedDevices(tx).forget(user.id)
            # They are the stranger's, who does not know the next password.
            await self._guesses.end_waits_for_codes(tx, user)
            # The stranger may already have requested a change of address.
            await end_links(tx, user.id, LinkEnd.NOT_ME, now=now)
            await OneTimeTokens(tx).void_younger(
                Purpose.COMPROMISE_REPORT, user.id, than=used.id, email=mailbox, now=now
            )
            for sessions in [{}] if was_moved else _sessions_in_doubt(used):
                await self._sessions.disown(tx, user.id, info=info, **sessions)
            await self._remove_identities(tx, used, user, info=info)
            if is_theirs:
                await notify(tx, MailKind.RESET_PASSWORD, user, at=now)
            record(tx, AuditEvent.COMPROMISE_REPORTED, at=now, user_id=user.id, info=info)
        return is_theirs

    async def _remove_factors(self, tx: Transaction, used: OneTimeToken, user: User, *, info: RequestInfo) -> None:
        """Remove the second factors that the stranger may have set up; earlier ones are the owner's."""
        if await self._ownership.take_back(tx, user, info=info):
            return
        told = used.data.get("told")
        app, codes = await tx.get(TotpSecret, user.id), await tx.get(RecoveryCodes, user.id)
        confirmed_at = app.confirmed_at if app is not None else None
        since = [used.created_at, *await self._remove_passkeys(tx, used, user, info=info)]
        is_app_reported = told == MailKind.SECOND_FACTOR_ADDED
        are_codes_reported = told == MailKind.RECOVERY_CODES_REPLACED
        if confirmed_at is not None and (is_app_reported or confirmed_at >= used.created_at):
            await self._totp.remove(tx, user)
            since.append(confirmed_at)
            details = {"reason": DISOWNED}
            record(tx, AuditEvent.TOTP_REMOVED, at=self._clock.now(), user_id=user.id, info=info, details=details)
        are_theirs = codes is not None and (are_codes_reported or codes.created_at >= min(since))
        if are_theirs or not await has_second_factor(tx, user.id):
            await self._recovery_codes.remove(tx, user)

    async def _remove_passkeys(
        self, tx: Transaction, used: OneTimeToken, user: User, *, info: RequestInfo
    ) -> list[datetime]:
        """Remove the passkey that the mail reports as added or copied, and those that came after it.

        Returns when they were added.
        """
        is_reported = used.data.get("told") in (MailKind.PASSKEY_ADDED, MailKind.PASSKEY_COPIED)
        reported, removed = used.data.get("passkey") if is_reported else None, []
        for passkey in await Passkeys(tx).of(user.id):
            if passkey.id == reported or passkey.created_at >= used.created_at:
                await Passkeys(tx).remove(passkey.id)
                removed.append(passkey.created_at)
                details = {"passkey": passkey.id, "reason": DISOWNED}
                record(
                    tx, AuditEvent.PASSKEY_REMOVED, at=self._clock.now(), user_id=user.id, info=info, details=details
                )
        return removed

    async def _remove_identities(self, tx: Transaction, used: OneTimeToken, user: User, *, info: RequestInfo) -> None:
        """Remove the identity that the mail reports as linked, or that opened the session which it reports.

        And those that were linked after it.
        """
        reported = {used.data.get("identity")} if used.data.get("told") == MailKind.IDENTITY_LINKED else set()
        session = await Sessions(tx).get(used.data.get("session_id", 0))
        if session is not None:
            reported |= {proof.credential for proof in proofs_of(session) if proof.by in BY_IDENTITY}
        for identity in await Identities(tx).of(user.id):
            if identity.id in reported or identity.created_at >= used.created_at:
                await self._identity_links.take(tx, identity, info=info, reason=DISOWNED)

    async def _restore(self, tx: Transaction, user: User, email: Name, *, info: RequestInfo) -> bool:
        """Restore the address of the account; return whether it has it."""
        holder = await Users(tx).by_email(email.canonical)
        # The account itself may have it in another spelling.
        if holder is not None and holder.id != user.id:
            holder = await Users(tx).get_for_update(holder.id)
        if holder not in (None, user) and holder.email_canonical == email.canonical:
            if holder.email_verified_at is not None:
                await self._take_away(tx, user, info=info)
                return False
            await self._take_away(tx, holder, info=info)
            await end_links(tx, holder.id, LinkEnd.ADDRESS_REPLACED, now=self._clock.now())
        await self._give(tx, user, email)
        await tx.flush()
        return True

    async def _take_away(self, tx: Transaction, user: User, *, info: RequestInfo) -> None:
        now = self._clock.now()
        nowhere = NOWHERE.format(id=user.id)
        await self._give(tx, user, Name(nowhere, nowhere))
        user.unverify_email()
        await tx.flush()
        record(tx, AuditEvent.EMAIL_CHANGED, at=now, user_id=user.id, info=info, details={"reason": "not_me"})

    async def _give(self, tx: Transaction, user: User, email: Name) -> None:
        if user.change_email(email):
            await self._feed.revoke_account(tx, user.id)  # access tokens contain the name
        user.touch(self._clock.now())


def _claimed(used: OneTimeToken, user: User) -> Name:
    """Return the address that a claim is for.

    Raises:
        LinkInvalid: the claim is from before the address was stored in it, and the account has another address now.
    """
    email = used.data.get("email") or used.data.get("old_email")
    if email is not None:
        return read_email(email)
    if used.email_canonical != user.email_canonical:
        raise LinkInvalid
    return Name(user.email, user.email_canonical)


def _sessions_in_doubt(used: OneTimeToken) -> list[dict[str, Any]]:
    """Return the sessions to end: the reported one, later ones and those of its device; or all."""
    if "session_id" not in used.data:
        return [{}]
    # The link was created when that session began.
    return [{"session_id": used.data["session_id"]}, {"after": used.created_at}, {"device": used.data["device"]}]
