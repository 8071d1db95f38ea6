"""Makes a restored database backup safe: ends everything that became valid again, and prevents the reuse of ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from gatepost.admin.keys.rotation import KeyRotation
from gatepost.audit.log import AuditEvent, record
from gatepost.audit.models import AuditEntry
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.db.purging import delete_batch
from gatepost.core.ids import LARGEST_IMPORTED_ID, new_random_text
from gatepost.flows.oauth.models import ResourceServer
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.models import PendingSignIn, TrustedDevice
from gatepost.identity.external.models import PendingAuthorization
from gatepost.identity.invitations.models import Invitation
from gatepost.identity.links.models import EmailCode, OneTimeToken
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.mail.models import OutboxMail

BATCH = 500
# More than a feed can have grown since the copy, so that readers that were ahead of the copy see the new entries.
FEED_GAP = 1_000_000
END_REASON = "restored"
HELD = "held: the database was restored"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done; `deletions` is the number of accounts whose deletion was postponed."""

    sessions: int
    pending_sign_ins: int
    links: int
    mails: int
    deletions: int
    new_accounts_from: int
    has_new_key: bool


class Restoring:
    """Ends what a restore made valid again; can be run repeatedly, and while the service runs."""

    def __init__(
        self, database: Database, clock: Clock, feed: RevocationFeed, keys: KeyRotation, *, deletion_grace: timedelta
    ) -> None:
        self._db = database
        self._clock = clock
        self._feed = feed
        self._keys = keys
        self._deletion_grace = deletion_grace

    async def newest_entry_at(self) -> datetime | None:
        """Return the time of the newest entry of the audit log; the copy is at least this recent."""
        async with self._db.read() as tx:
            return await tx.scalar(select(func.max(AuditEntry.at)))

    async def resource_servers(self) -> Sequence[str]:
        """Return the client ids of the trusted services; one that was removed after the copy is trusted again."""
        async with self._db.read() as tx:
            return (await tx.scalars(select(ResourceServer.client_id).order_by(ResourceServer.client_id))).all()

    async def run(self, *, account_gap: int) -> Restored:
        """Hold back mails, void links and codes, end all sessions and pending sign-ins and all trust in devices, and
        finally revoke all earlier access tokens. The ids of new accounts are greater than those in the copy by at least
        `account_gap`.
        """
        now = self._clock.now()
        grace_ends_at = now + self._deletion_grace
        mails = await self._all(
            OutboxMail.id, OutboxMail.due_at.is_not(None), due_at=None, failed_at=now, last_error=HELD
        )
        links = await self._all(OneTimeToken.id, OneTimeToken.used_at.is_(None), used_at=now)
        links += await self._all(EmailCode.id, EmailCode.expires_at > now, expires_at=now)
        # They stay in the administrators' list, like other expired ones.
        links += await self._all(Invitation.id, Invitation.expires_at > now, expires_at=now, digest=None)
        deletions = await self._all(User.id, User.erase_at < grace_ends_at, erase_at=grace_ends_at)
        sessions = await self._all(Session.id, Session.ended_at.is_(None), ended_at=now, end_reason=END_REASON)
        pending = await self._gone(PendingSignIn.id) + await self._gone(PendingAuthorization.id)
        # The trust may have ended since, with a password or a factor that is back now, too.
        await self._gone(TrustedDevice.id)
        # Last, so that no refresh in progress finishes after it.
        has_new_key = await self._keys.replace_all()
        counted = {
            "sessions": sessions, "pending_sign_ins": pending, "links": links, "mails": mails, "deletions": deletions,
        }  # fmt: skip
        new_accounts_from = await self._finish(account_gap=account_gap, details=counted)
        return Restored(**counted, new_accounts_from=new_accounts_from, has_new_key=has_new_key)

    async def _gone(self, key: InstrumentedAttribute[int]) -> int:
        """Delete all rows of a table, in batches; return how many."""
        count = 0
        while gone := await delete_batch(self._db, key, key > 0):
            count += gone
        return count

    async def _all(self, key: InstrumentedAttribute[int], condition: ColumnElement[bool], **values: Any) -> int:
        """Change all rows that match, in batches; return how many."""
        count = 0
        while changed := await self._batch(key, condition, values):
            count += changed
        return count

    @retry_conflicts
    async def _batch(
        self, key: InstrumentedAttribute[int], condition: ColumnElement[bool], values: dict[str, Any]
    ) -> int:
        model: Any = key.class_
        async with self._db.begin() as tx:
            ids = (await tx.scalars(select(key).where(condition).order_by(key).limit(BATCH))).all()
            change = update(model).where(key.in_(ids)).values(values)
            await tx.execute(change.execution_options(synchronize_session=False))
        return len(ids)

    @retry_conflicts
    async def _finish(self, *, account_gap: int, details: dict[str, int]) -> int:
        async with self._db.begin() as tx:
            # The counters may be greater than any existing id, because the last rows may have been deleted.
            next_line = await self._feed.revoke_all(tx)
            await self._feed.revoke_all(tx, line_id=next_line + FEED_GAP)
            next_number = await _use_up(tx, None, at=self._clock.now())
            last_number = max(next_number, min(next_number - 1 + account_gap, LARGEST_IMPORTED_ID))
            if last_number > next_number:
                await _use_up(tx, last_number, at=self._clock.now())
            record(tx, AuditEvent.DATABASE_RESTORED, at=self._clock.now(), details=details)
        return last_number + 1


async def _use_up(tx: Transaction, number: int | None, *, at: datetime) -> int:
    """Use up an id, or the next one, so that the ids of new accounts are greater; return it.

    Inserting and deleting a row with that id moves the counter of any database.
    """
    nobody = new_random_text()
    values = {
        "username": nobody, "username_canonical": nobody, "email": nobody, "email_canonical": nobody,
        "language": "en", "password_hash": UNUSABLE_HASH, "token_version": 0, "version": 1, "created_at": at,
        "updated_at": at,
    }  # fmt: skip
    if number is not None:
        values["id"] = number
    result: Any = await tx.execute(insert(User.__table__).values(values))  # type: ignore[arg-type]
    used: int = result.inserted_primary_key.id
    await tx.execute(delete(User).where(User.id == used).execution_options(synchronize_session=False))
    return used
