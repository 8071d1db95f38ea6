"""Writes the audit log."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from gatepost.audit.models import AuditEntry
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo

LONGEST_ADDRESS = 45


class AuditEvent(StrEnum):
    """The events that the log records."""

    ACCOUNT_CREATED = "account.created"
    SIGNED_IN = "session.opened"
    REAUTHENTICATED = "session.reauthenticated"
    SESSION_ENDED = "session.ended"
    REFRESH_TOKEN_REUSED = "refresh_token.reused"  # noqa: S105  an event, not a token
    SIGN_IN_FAILED = "sign_in.failed"
    SIGN_IN_PENDING = "sign_in.pending"
    TOTP_ENROLLED = "totp.enrolled"
    TOTP_REMOVED = "totp.removed"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_RENAMED = "passkey.renamed"
    PASSKEY_REMOVED = "passkey.removed"
    PASSKEY_COPIED = "passkey.copied"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    RECOVERY_CODES_REPLACED = "recovery_code.replaced"
    RECOVERY_CODE_USED = "recovery_code.used"
    DEVICE_TRUSTED = "trusted_device.added"
    DEVICE_FORGOTTEN = "trusted_device.removed"
    FACTORS_RESET = "factors.reset"
    GUESSING_THROTTLED = "guessing.throttled"
    REFRESH_TOKEN_REJECTED = "refresh_token.rejected"  # noqa: S105
    PASSWORD_CHANGED = "password.changed"  # noqa: S105  an event, not a password
    PASSWORD_REMOVED = "password.removed"  # noqa: S105
    PASSWORD_RESET_REQUESTED = "password.reset_requested"  # noqa: S105
    EMAIL_VERIFIED = "email.verified"
    EMAIL_CHANGE_REQUESTED = "email.change_requested"
    EMAIL_CHANGED = "email.changed"
    PROFILE_CHANGED = "account.changed"
    ACCOUNTS_IMPORTED = "accounts.imported"
    ACCOUNTS_EXPORTED = "accounts.exported"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    ROLES_CHANGED = "account.roles_changed"
    SIGNED_OUT_BY_ADMINISTRATOR = "account.signed_out"
    DELETION_PLANNED = "account.deletion_planned"
    DELETION_CANCELLED = "account.deletion_cancelled"
    ACCOUNT_ERASED = "account.erased"
    ACCOUNT_TAKEN_BACK = "account.taken_back"
    COMPROMISE_REPORTED = "account.compromise_reported"
    INVITED = "invitation.sent"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_REVOKED = "invitation.revoked"
    ROLE_CREATED = "role.created"
    ROLE_CHANGED = "role.changed"
    ROLE_DELETED = "role.deleted"
    PASSWORD_REHASHED = "password.rehashed"  # noqa: S105
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_RETIRED = "key.retired"
    DATABASE_RESTORED = "database.restored"
    CLIENT_CREATED = "client.created"
    CLIENT_REMOVED = "client.removed"


def record(
    tx: Transaction,
    event: AuditEvent,
    *,
    at: datetime,
    user_id: int | None = None,
    actor_id: int | None = None,
    session_id: int | None = None,
    info: RequestInfo | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an event to the caller's transaction: it is stored if, and only if, what it reports is."""
    tx.add(
        AuditEntry(
            at=at,
            event=event.value,
            user_id=user_id,
            actor_id=actor_id,
            session_id=session_id,
            address=info.address[:LONGEST_ADDRESS] if info else "",
            request_id=info.request_id if info else "",
            details=dict(details or {}),
        )
    )
