"""Former names of events. Stored entries keep them, because the hash chain covers the name."""

from collections.abc import Sequence

from gatepost.audit.log import AuditEvent

FORMER_NAMES = {
    "account.deletion_taken_back": AuditEvent.DELETION_CANCELLED,
    "account.not_me": AuditEvent.COMPROMISE_REPORTED,
    "email.change_asked": AuditEvent.EMAIL_CHANGE_REQUESTED,
    "guessing.stopped": AuditEvent.GUESSING_THROTTLED,
    "invitation.taken_back": AuditEvent.INVITATION_REVOKED,
    "password.reset_asked": AuditEvent.PASSWORD_RESET_REQUESTED,
    "session.refresh_refused": AuditEvent.REFRESH_TOKEN_REJECTED,
    "session.refresh_reused": AuditEvent.REFRESH_TOKEN_REUSED,
    "session.refused": AuditEvent.SIGN_IN_FAILED,
}


def current_name(stored: str) -> str:
    """Return the current name of an event."""
    return FORMER_NAMES.get(stored, stored)


def stored_names(event: AuditEvent) -> Sequence[str]:
    """Return all names under which an event may be stored."""
    return [event.value, *(former for former, current in FORMER_NAMES.items() if current is event)]
