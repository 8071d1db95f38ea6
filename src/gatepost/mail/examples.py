"""Example values for each mail template: for `gatepost mail preview`, for tests, and for authors of templates."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gatepost.core.clock import Clock
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail

ADDRESS = "abbey.salami@example.com"
TEST_MAIL = "send_test"
# Where the one link of a mail leads that has nothing else.
PAGES = {
    MailKind.VERIFY_EMAIL: "verify-email",
    MailKind.CONFIRM_NEW_EMAIL: "verify-email",
    MailKind.RESET_PASSWORD: "set-password",
    MailKind.SET_PASSWORD: "set-password",
}

# What has been added or removed is called so.
NAMES = {
    **dict.fromkeys((MailKind.PASSKEY_ADDED, MailKind.PASSKEY_REMOVED, MailKind.PASSKEY_COPIED), "YubiKey 5C"),
    **dict.fromkeys((MailKind.IDENTITY_LINKED, MailKind.IDENTITY_UNLINKED), "Google"),
}


def example(kind: MailKind, *, language: str, public_url: str, clock: Clock) -> PreparedMail:
    """Return a mail of this kind with every value that its template can use; its links do not work."""
    context = _context(kind, public_url=public_url, clock=clock)
    return PreparedMail(ADDRESS, language, kind.value, context)


def _context(kind: MailKind, *, public_url: str, clock: Clock) -> Mapping[str, Any]:
    username = {"username": "Abbey Salami"}
    linked = {**username, "expires_at": clock.now() + timedelta(hours=1)}
    happened = {**username, "at": clock.now(), "not_me_link": f"{public_url}/not-me#token=gpt_example"}
    place = {"device": "Firefox on Linux", "address": "203.0.113.7"}
    told = {**happened, **place}
    coded = {**linked, **place, "at": clock.now(), "code": "123456"}
    match kind:
        case kind if kind in PAGES:
            return {**linked, "link": f"{public_url}/{PAGES[kind]}#token=gpt_example"}
        case MailKind.FACTORS_RESET:
            return {**happened, "has_password": False, "password_page": f"{public_url}/forgot-password"}
        case MailKind.RECOVERY_CODE_USED:
            return {**told, "left": 3}
        case _ if kind in NAMES:
            return {**told, "name": NAMES[kind]}
        case MailKind.SIGN_IN_CODE:
            return {**coded, "link": f"{public_url}/sign-in-link#token=gpt_example"}
        case MailKind.ADDRESS_CODE | MailKind.CONFIRMATION_CODE:
            return coded
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
            # The other mails report an event and the device that caused it.
            return told
