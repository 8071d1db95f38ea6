"""Exports everything that is stored about a person, and deletes their account."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import delete, select

from gatepost.audit.log import AuditEvent, record
from gatepost.audit.models import AuditEntry
from gatepost.audit.repository import Entries
from gatepost.core.clock import Clock, text_of
from gatepost.core.crypto import base64url
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.paging import ReadPage, in_pages
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.accounts.errors import LastAdministrator
from gatepost.identity.accounts.guards import require_another_administrator
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.models import PendingSignIn, TrustedDevice
from gatepost.identity.external.models import PendingAuthorization
from gatepost.identity.factors.models import Passkey, RecoveryCodes, TotpSecret
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.links.models import EmailCode, OneTimeToken
from gatepost.identity.privacy.external import authorization, identities_of
from gatepost.identity.sessions.callers import proved_caller
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind

T = TypeVar("T", Session, TrustedDevice, OneTimeToken, PendingSignIn, PendingAuthorization, EmailCode)
R = TypeVar("R")

BATCH = 100


class DeletionService:
    """Exports and deletes accounts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sessions: SessionService,
        feed: RevocationFeed,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions
        self._feed = feed
        self._policy = policy

    async def export(self, principal: UserPrincipal) -> dict[str, Any]:
        """Return everything that is stored about the caller, with lists as pages; no secrets, not even digests of them.

        Raises:
            UserNotFound: the account has just been deleted.
        """
        async with self._db.read() as tx:
            user = await account_of(tx, principal.account)
            factors = await _factors(tx, user.id)
            identities = await identities_of(tx, user.id)
        return {
            "exportedAt": text_of(self._clock.now()),
            "account": _account(user),
            "sessions": self._pages(_owned(Session, user.id), _session),
            "secondFactors": factors,
            "identities": identities,
            "pendingAuthorizations": self._pages(_owned(PendingAuthorization, user.id), authorization),
            "pendingSignIns": self._pages(_owned(PendingSignIn, user.id), _asked),
            "emailCodes": self._pages(_owned(EmailCode, user.id), _asked),
            "trustedDevices": self._pages(_owned(TrustedDevice, user.id), _trusted),
            "links": self._pages(_owned(OneTimeToken, user.id), _link),
            "activity": self._pages(_told_of(user.id), _activity),
        }

    @retry_conflicts
    async def ask_deletion(self, principal: UserPrincipal, *, proved_hash: str, info: RequestInfo) -> datetime:
        """Schedule the deletion of the caller's account, end its sessions, and return the time of the deletion.

        Signing in before then cancels the deletion.

        Raises:
            WrongPassword: the proved password has just been replaced.
            TokenRevoked: the session has just ended.
            UserNotFound: the account has just been deleted.
            LastAdministrator: no other administrator would be left.
        """
        now = self._clock.now()
        erase_at = now + self._policy.deletion_grace
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            await require_another_administrator(tx, user, policy=self._policy)
            user.erase_at = erase_at
            await tx.flush()
            await end_links(tx, user.id, LinkEnd.DELETION_PLANNED, now=now)
            await self._sessions.end(tx, user_id=user.id, reason="deletion_planned", info=info)
            await notify(tx, MailKind.DELETION_PLANNED, user, at=now, data={"erase_at": erase_at.isoformat()})
            record(tx, AuditEvent.DELETION_PLANNED, at=now, user_id=user.id, info=info)
        return erase_at

    async def erase_due(self) -> int:
        """Delete up to a hundred accounts whose deletion is due; return how many.

        The last administrator is kept until another one can sign in.
        """
        now = self._clock.now()
        async with self._db.read() as tx:
            due = select(User.id).where(User.erase_at <= now).order_by(User.id).limit(BATCH)
            ids = (await tx.scalars(due)).all()
        return sum([await self._erase_if_due(user_id, now=now) for user_id in ids])

    @retry_conflicts
    async def _erase_if_due(self, user_id: int, *, now: datetime) -> bool:
        async with self._db.begin() as tx:
            user = await Users(tx).get_for_update(user_id)
            # The owner may have signed in since the query.
            if user is None or user.erase_at is None or user.erase_at > now:
                return False
            try:
                await require_another_administrator(tx, user, policy=self._policy)
            except LastAdministrator:
                return False
            await self.erase(tx, user_id)
        return True

    async def _pages(self, read: ReadPage[R], show: Callable[[R], dict[str, Any]]) -> AsyncIterator[Sequence[Any]]:
        async for page in in_pages(self._db, read):
            yield [show(row) for row in page]

    async def erase(
        self,
        tx: Transaction,
        user_id: int,
        *,
        actor_id: int | None = None,
        info: RequestInfo | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Delete an account in the caller's transaction. Only the audit log keeps its id."""
        await self._sessions.end(tx, user_id=user_id, reason="erased")
        await self._feed.revoke_account(tx, user_id)
        user = await Users(tx).get_for_update(user_id)
        if user is not None:
            await tx.delete(user)
            await tx.flush()
            # Mails that were given up still contain the address.
            await tx.execute(delete(OutboxMail).where(OutboxMail.user_id == user_id))
            record(
                tx, AuditEvent.ACCOUNT_ERASED, at=self._clock.now(), user_id=user_id, actor_id=actor_id,
                info=info, details=details,
            )  # fmt: skip


def take_deletion_back(tx: Transaction, user: User, *, now: datetime, info: RequestInfo) -> None:
    """Cancel a scheduled deletion, if there is one; the caller has locked the account."""
    if user.erase_at is not None:
        user.erase_at = None
        record(tx, AuditEvent.DELETION_CANCELLED, at=now, user_id=user.id, info=info)


def _owned(model: type[T], user_id: int) -> ReadPage[T]:
    """Return a function that reads the rows of an account, ordered by id."""

    async def read(tx: Transaction, last: T | None, size: int) -> Sequence[T]:
        query = select(model).where(model.user_id == user_id, model.id > (last.id if last else 0))
        return (await tx.scalars(query.order_by(model.id).limit(size))).all()

    return read


def _told_of(user_id: int) -> ReadPage[AuditEntry]:
    """Return a function that reads the audit log of an account, the newest first."""

    async def read(tx: Transaction, last: AuditEntry | None, size: int) -> Sequence[AuditEntry]:
        place = None if last is None else (last.at, last.id)
        return await Entries(tx).page([AuditEntry.user_id == user_id], after=place, size=size)

    return read


def _account(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "emailVerifiedAt": text_of(user.email_verified_at),
        "firstVerifiedAt": text_of(user.first_verified_at),
        "language": user.language,
        "roles": list(user.role_names),
        "createdAt": text_of(user.created_at),
        "updatedAt": text_of(user.updated_at),
        "disownedAt": text_of(user.disowned_at),
        "eraseAt": text_of(user.erase_at),
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "device": session.device,
        "userAgent": session.user_agent,
        "address": session.address,
        "openedAddress": session.opened_address,
        "kind": session.kind,
        "amr": session.amr,
        "acr": session.acr,
        "authenticatedAt": text_of(session.proved_at),
        "clientId": session.client_id,
        "scope": session.scope,
        "actorId": session.actor_id,
        "createdAt": text_of(session.created_at),
        "lastUsedAt": text_of(session.last_used_at),
        "endedAt": text_of(session.ended_at),
        "endReason": session.end_reason,
    }


def _link(link: OneTimeToken) -> dict[str, Any]:
    return {"purpose": link.purpose, "createdAt": text_of(link.created_at), "usedAt": text_of(link.used_at)}


async def _factors(tx: Transaction, user_id: int) -> dict[str, Any]:
    totp, codes = await tx.get(TotpSecret, user_id), await tx.get(RecoveryCodes, user_id)
    passkeys = await tx.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id))
    return {
        "totp": None
        if totp is None
        else {
            "createdAt": text_of(totp.created_at),
            "confirmedAt": text_of(totp.confirmed_at),
            "lastUsedAt": text_of(totp.last_used_at),
        },
        "recoveryCodes": None
        if codes is None
        else {"left": codes.left, "createdAt": text_of(codes.created_at), "lastUsedAt": text_of(codes.last_used_at)},
        "passkeys": list(map(_passkey, passkeys)),
    }


def _passkey(passkey: Passkey) -> dict[str, Any]:
    return {
        "name": passkey.name,
        "credentialId": base64url.encode(passkey.credential_id),
        "aaguid": passkey.aaguid.hex(),
        "transports": passkey.transports,
        "synced": passkey.backup_state,
        "rpId": passkey.rp_id,
        "createdAt": text_of(passkey.created_at),
        "lastUsedAt": text_of(passkey.last_used_at),
    }


def _asked(row: PendingSignIn | EmailCode) -> dict[str, Any]:
    return {
        "userAgent": row.user_agent,
        "address": row.address,
        "createdAt": text_of(row.created_at),
        "expiresAt": text_of(row.expires_at),
    }


def _trusted(device: TrustedDevice) -> dict[str, Any]:
    return {
        "device": device.device,
        "userAgent": device.user_agent,
        "address": device.address,
        "createdAt": text_of(device.created_at),
        "lastUsedAt": text_of(device.last_used_at),
        "expiresAt": text_of(device.expires_at),
    }


def _activity(entry: AuditEntry) -> dict[str, Any]:
    # An entry of an administrator's action has the administrator's address, which the person must not get.
    return {
        "at": text_of(entry.at),
        "event": entry.event,
        "sessionId": entry.session_id,
        "address": entry.address if entry.actor_id in (None, entry.user_id) else "",
        "details": entry.details,
    }
