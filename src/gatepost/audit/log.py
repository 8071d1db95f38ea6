"""Writing the audit log."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from gatepost.audit.models import AuditEntry
from gatepost.core.client import Client
from gatepost.core.database import Transaction

LONGEST_ADDRESS = 45


class AuditEvent(StrEnum):
    """What the log knows of."""

    ACCOUNT_CREATED = "account.created"
    SIGNED_IN = "session.opened"
    SESSION_ENDED = "session.ended"
    REFRESH_REUSED = "session.refresh_reused"
    PASSWORD_REHASHED = "password.rehashed"  # noqa: S105  an event, not a password
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_RETIRED = "key.retired"
    CLIENT_CREATED = "client.created"
    CLIENT_REMOVED = "client.removed"


def record(
    tx: Transaction,
    event: AuditEvent,
    *,
    at: datetime,
    user_id: int | None = None,
    session_id: int | None = None,
    client: Client | None = None,
    details: Mapping[str, str | int] | None = None,
) -> None:
    """Add an event to the caller's transaction: it is kept if, and only if, what it tells of is kept."""
    tx.add(
        AuditEntry(
            at=at,
            event=event.value,
            user_id=user_id,
            session_id=session_id,
            address=client.address[:LONGEST_ADDRESS] if client else "",
            details=dict(details or {}),
        )
    )
