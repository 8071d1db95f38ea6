"""Mails to accounts: the link that each kind carries, what ends that link, and putting both where they wait.

A link belongs to the account as it was when its mail was asked for. So its token is there from that moment, as a row
without a text that would fit it, and what ends the links of an account ends those whose mail has not left as well.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete

from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, mailbox_of
from gatepost.identity.invitations.inviters import take_back_beyond_reach, take_back_sent_by
from gatepost.identity.links.models import EmailCode
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.mail.outbox import MailKind, enqueue

# The other kinds have no token: `sign_up_taken` and `deletion_planned` name a page that anybody can open.
LINK_OF: Mapping[MailKind, Purpose] = {
    MailKind.VERIFY_EMAIL: Purpose.VERIFY_EMAIL,
    MailKind.RESET_PASSWORD: Purpose.SET_PASSWORD,
    MailKind.SET_PASSWORD: Purpose.SET_PASSWORD,
    MailKind.CONFIRM_NEW_EMAIL: Purpose.CHANGE_EMAIL,
    MailKind.EMAIL_CHANGED: Purpose.COMPROMISE_REPORT,
    MailKind.PASSWORD_CHANGED: Purpose.COMPROMISE_REPORT,
    MailKind.NEW_DEVICE: Purpose.COMPROMISE_REPORT,
    MailKind.SECOND_FACTOR_ADDED: Purpose.COMPROMISE_REPORT,
    MailKind.SECOND_FACTOR_REMOVED: Purpose.COMPROMISE_REPORT,
    MailKind.FACTORS_RESET: Purpose.COMPROMISE_REPORT,
    MailKind.RECOVERY_CODE_USED: Purpose.COMPROMISE_REPORT,
    MailKind.RECOVERY_CODES_REPLACED: Purpose.COMPROMISE_REPORT,
    MailKind.CODES_GUESSED: Purpose.COMPROMISE_REPORT,
    MailKind.PASSKEY_ADDED: Purpose.COMPROMISE_REPORT,
    MailKind.PASSKEY_REMOVED: Purpose.COMPROMISE_REPORT,
    MailKind.PASSKEY_COPIED: Purpose.COMPROMISE_REPORT,
    MailKind.PASSWORD_REMOVED: Purpose.COMPROMISE_REPORT,
    MailKind.IDENTITY_LINKED: Purpose.COMPROMISE_REPORT,
    MailKind.IDENTITY_UNLINKED: Purpose.COMPROMISE_REPORT,
}
# They tell what has happened, so that they are sent whatever happens after it; without their link where it is void.
NOTICES = frozenset(kind for kind, purpose in LINK_OF.items() if purpose is Purpose.COMPROMISE_REPORT)


class LinkEnd(StrEnum):
    """What makes the links of an account void; the value is its name in the documents."""

    PASSWORD_RESET = "a password set by a link"  # noqa: S105  words, not a password
    PASSWORD_CHANGED = "a changed password"  # noqa: S105
    NOT_ME = "\u201cthis was not me\u201d"
    ADDRESS_CHANGED = "a changed address"
    DELETION_PLANNED = "a planned deletion"
    DISABLED = "disabling"
    ENABLED = "enabling"
    ADDRESS_REPLACED = "an address changed by an administrator"
    NAME_REPLACED = "a user name changed by an administrator"
    PROOF_SET = "a verification changed by an administrator"
    ROLES_CHANGED = "changed roles"
    SIGNED_OUT = "a sign-out by an administrator"
    SIGNED_OUT_EVERYWHERE = "a sign-out of all devices, or all others"


ASKED_FOR = frozenset({Purpose.VERIFY_EMAIL, Purpose.SET_PASSWORD, Purpose.CHANGE_EMAIL})
# "This was not me" must outlive what a thief does next. It ends where the account is somebody else's by now, or was
# taken out of everybody's hands; what it does to others of its kind is in `flows/recovery/compromise.py`.
ENDS: Mapping[LinkEnd, frozenset[Purpose]] = {
    **dict.fromkeys(LinkEnd, ASKED_FOR),
    **dict.fromkeys(
        (LinkEnd.ADDRESS_REPLACED, LinkEnd.DISABLED, LinkEnd.ENABLED), ASKED_FOR | {Purpose.COMPROMISE_REPORT}
    ),
    # Whoever has got hold of a session can do it, again and again, and must not keep the owner from a new password.
    LinkEnd.SIGNED_OUT_EVERYWHERE: frozenset({Purpose.CHANGE_EMAIL}),
}

# Nobody may keep the owner from a code either.
ENDS_CODES = frozenset(LinkEnd) - {LinkEnd.SIGNED_OUT_EVERYWHERE}

# `sign_up_taken` speaks to who has the address; `deletion_planned` is sent as long as it is true. An invitation ends
# with what happens to the account of its inviter: a thief may have sent it. A code that proves an address is nobody's.
STOPS: Mapping[MailKind, frozenset[LinkEnd]] = {
    MailKind.SIGN_UP_TAKEN: frozenset({LinkEnd.ADDRESS_CHANGED, LinkEnd.ADDRESS_REPLACED, LinkEnd.DISABLED}),
    MailKind.INVITATION: frozenset(LinkEnd) - {LinkEnd.ADDRESS_CHANGED, LinkEnd.NAME_REPLACED, LinkEnd.PROOF_SET},
    MailKind.DELETION_PLANNED: frozenset(),
    MailKind.SIGN_IN_CODE: ENDS_CODES,
    MailKind.CONFIRMATION_CODE: ENDS_CODES,
    MailKind.ADDRESS_CODE: frozenset(),
}


class Fate(StrEnum):
    """What becomes of a mail, and of its link, that was asked for before the links of its account ended."""

    GOOD = "good"
    TOLD = "no link"
    VOID = "void"


def fate(kind: MailKind, after: LinkEnd) -> Fate:
    """Return what becomes of a mail: it goes on, goes on without its link, or is not sent and its link is void."""
    is_ended = LINK_OF[kind] in ENDS[after] if kind in LINK_OF else after in STOPS[kind]
    if not is_ended:
        return Fate.GOOD
    return Fate.TOLD if kind in NOTICES else Fate.VOID


def fates() -> str:
    """Return the table of all fates, as the documents show it."""
    head = ["after", *(f"`{kind}`" for kind in MailKind)]
    rows = [[end.value, *(fate(kind, end).value for kind in MailKind)] for end in LinkEnd]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


async def end_links(tx: Transaction, user_id: int, after: LinkEnd, *, now: datetime) -> None:
    """Make void what this ends, sent or not: links and codes of an account, whose row the caller holds, and its
    invitations.
    """
    await OneTimeTokens(tx).void(user_id, ENDS[after], now=now)
    if after in ENDS_CODES:
        codes = delete(EmailCode).where(EmailCode.user_id == user_id)
        await tx.execute(codes.execution_options(synchronize_session=False))
    reason = after.name.lower()
    if after is LinkEnd.ROLES_CHANGED:
        await take_back_beyond_reach(tx, [user_id], reason=reason, now=now)
    elif after in STOPS[MailKind.INVITATION]:
        await take_back_sent_by(tx, user_id, reason=reason, now=now)


async def notify(
    tx: Transaction,
    kind: MailKind,
    user: User,
    *,
    at: datetime,
    email: Name | None = None,
    info: RequestInfo | None = None,
    data: Mapping[str, str | int] | None = None,
    link: Mapping[str, Any] | None = None,
    has_link: bool = True,
) -> None:
    """Put a mail to an account into the outbox, and the token of its link beside it, in the caller's transaction.

    It goes to the address of the account as it is at this call, or to another one. It tells who caused it (`info`) and
    `data`; `link` is what whoever uses the link needs to know.
    """
    to = email or Name(user.email, user.email_canonical)
    told: dict[str, str | int] = dict(data or {})
    if info is not None:
        told |= {"device": info.user_agent, "client_address": info.address}
    if has_link and kind in LINK_OF:
        told["link_id"] = await OneTimeTokens(tx).ask(
            LINK_OF[kind],
            user_id=user.id,
            email_canonical=mailbox_of(to.display) if kind in NOTICES else to.canonical,
            now=at,
            data={**(link or {}), "email": to.display},
        )
    enqueue(tx, kind, address=to.display, language=user.language, at=at, user_id=user.id, data=told)
