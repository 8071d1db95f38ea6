"""Events that were called something else. What is written keeps its name, since the hash chain covers it."""

from collections.abc import Sequence

from gatepost.audit.log import AuditEvent

FORMER_NAMES = {
    "account.deletion_cancelled": AuditEvent.DELETION_CANCELLED,
    "account.compromise_reported": AuditEvent.COMPROMISE_REPORTED,
    "email.change_requested": AuditEvent.EMAIL_CHANGE_REQUESTED,
    "guessing.throttled": AuditEvent.GUESSING_THROTTLED,
    "invitation.revoked": AuditEvent.INVITATION_REVOKED,
    "password.reset_requested": AuditEvent.PASSWORD_RESET_REQUESTED,
    "refresh_token.rejected": AuditEvent.REFRESH_TOKEN_REJECTED,
    "refresh_token.reused": AuditEvent.REFRESH_TOKEN_REUSED,
    "sign_in.failed": AuditEvent.SIGN_IN_FAILED,
}


def current_name(stored: str) -> str:
    """Return what an event is called today."""
    return FORMER_NAMES.get(stored, stored)


def stored_names(event: AuditEvent) -> Sequence[str]:
    """Return every name under which an event may be stored."""
    return [event.value, *(former for former, current in FORMER_NAMES.items() if current is event)]
