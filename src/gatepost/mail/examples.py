"""What each template is given, as examples: for `gatepost mail preview`, for tests, and for who writes a template."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gatepost.core.clock import Clock
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail

ADDRESS = "abbey.salami@example.com"
TEST_MAIL = "send_test"


def example(kind: MailKind, *, language: str, public_url: str, clock: Clock) -> PreparedMail:
    """Return a mail of this kind with everything that its template can ask for; its links lead nowhere."""
    context = _context(kind, public_url=public_url, clock=clock)
    return PreparedMail(ADDRESS, language, kind.value, context)


def _context(kind: MailKind, *, public_url: str, clock: Clock) -> Mapping[str, Any]:
    username = {"username": "Abbey Salami"}
    linked = {**username, "expires_at": clock.now() + timedelta(hours=1)}
    happened = {**username, "at": clock.now(), "not_me_link": f"{public_url}/not-me#token=gpt_example"}
    told = {**happened, "device": "Firefox on Linux", "address": "203.0.113.7"}
    match kind:
        case MailKind.VERIFY_EMAIL | MailKind.CONFIRM_NEW_EMAIL:
            return {**linked, "link": f"{public_url}/verify-email#token=gpt_example"}
        case MailKind.RESET_PASSWORD | MailKind.SET_PASSWORD:
            return {**linked, "link": f"{public_url}/set-password#token=gpt_example"}
        case MailKind.FACTORS_RESET:
            return {**happened, "has_password": False, "password_page": f"{public_url}/forgot-password"}
        case MailKind.RECOVERY_CODE_USED:
            return {**told, "left": 3}
        case MailKind.PASSKEY_ADDED | MailKind.PASSKEY_REMOVED | MailKind.PASSKEY_COPIED:
            return {**told, "name": "YubiKey 5C"}
        case MailKind.IDENTITY_LINKED | MailKind.IDENTITY_UNLINKED:
            return {**told, "name": "Google"}
        case MailKind.SIGN_UP_TAKEN:
            return {**username, "has_account": True, "link": f"{public_url}/"}
        case MailKind.INVITATION:
            link = f"{public_url}/invitation#token=gpt_example"
            return {
                **linked,
                "username": "",
                "invited_by": "Grace Hopper",
                "roles": ["user", "moderator"],
                "link": link,
            }
        case MailKind.DELETION_PLANNED:
            return {**username, "erase_at": clock.now() + timedelta(days=14), "link": f"{public_url}/"}
        case _:
            # They tell that something has happened, and from where.
            return told
