"""Adds mails to the outbox, in the transaction that causes them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from gatepost.core.db.database import Transaction, announce
from gatepost.mail.models import OutboxMail

# The worker listens to this topic, so that a mail is sent right after the commit.
TOPIC = "mail_outbox"


class MailKind(StrEnum):
    """The kinds of mail that the service sends; each has a template of the same name."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  a kind, not a password
    SET_PASSWORD = "set_password"  # noqa: S105
    CONFIRM_NEW_EMAIL = "confirm_new_email"
    SIGN_IN_CODE = "sign_in_code"
    ADDRESS_CODE = "address_code"
    CONFIRMATION_CODE = "confirmation_code"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    NEW_DEVICE = "new_device"
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    FACTORS_RESET = "factors_reset"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_REPLACED = "recovery_codes_replaced"
    CODES_GUESSED = "codes_guessed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_COPIED = "passkey_copied"
    PASSWORD_REMOVED = "password_removed"  # noqa: S105
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    SIGN_UP_TAKEN = "sign_up_taken"
    INVITATION = "invitation"
    DELETION_PLANNED = "deletion_planned"


def enqueue(
    tx: Transaction,
    kind: MailKind,
    *,
    address: str,
    language: str,
    at: datetime,
    user_id: int | None = None,
    data: Mapping[str, str | int | list[str]] | None = None,
) -> None:
    """Add a mail to the caller's transaction: it is sent if, and only if, the transaction commits.

    `data` are values for the template. Links and tokens are created when the mail is sent, and never stored.
    """
    tx.add(
        OutboxMail(
            kind=kind.value,
            user_id=user_id,
            address=address,
            language=language,
            data=dict(data or {}),
            created_at=at,
            due_at=at,
            attempts=0,
            last_error="",
        )
    )
    announce(tx, TOPIC)
