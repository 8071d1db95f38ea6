"""Requests links by address, and opens them."""

from datetime import datetime

from sqlalchemy import select

from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.errors import LinkInvalid
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, mailbox_of
from gatepost.identity.accounts.repository import Users
from gatepost.identity.links.mails import LINK_OF
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.mailboxes import asker
from gatepost.mail.languages import choose
from gatepost.mail.outbox import MailKind, enqueue


async def ask_for(
    tx: Transaction,
    kind: MailKind,
    email: Name,
    *,
    info: RequestInfo,
    device: Device,
    default_language: str,
    at: datetime,
) -> None:
    """Queue a mail with a link to an address. The work is the same whether it has an account or not.

    The account is determined here: an account that gets the address later gets no mail.
    """
    # Locked, so that the account cannot be deleted before the token is stored.
    user = await tx.scalar(select(User).where(User.email_canonical == email.canonical).with_for_update(read=True))
    user_id = user.id if user is not None else None
    link_id = await OneTimeTokens(tx).ask(
        LINK_OF[kind], user_id=user_id, email_canonical=email.canonical, now=at, data={"email": email.display}
    )
    enqueue(
        tx,
        kind,
        address=email.display,
        language=choose(info.language, default=default_language),
        at=at,
        user_id=user_id,
        data={"link_id": link_id, "asker": asker(info, device, user)},
    )


async def open_link(tx: Transaction, token: str, *purposes: Purpose, now: datetime) -> tuple[OneTimeToken, User]:
    """Use up a link with one of these purposes; return its data and its account, locked.

    Raises:
        LinkInvalid: it is invalid, or its account is deleted or disabled.
    """
    for purpose in purposes:
        used = await OneTimeTokens(tx).use(purpose, token, now=now)
        user = await Users(tx).get_for_update(used.user_id or 0) if used is not None else None
        if used is not None and user is not None and user.disabled_at is None:
            return used, user
    raise LinkInvalid


async def is_done(tx: Transaction, token: str) -> bool:
    """Whether a used link was for verifying an address that its account has and has verified."""
    used = await OneTimeTokens(tx).used(token, (Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL))
    user = await Users(tx).get(used.user_id or 0) if used is not None else None
    if used is None or user is None or user.disabled_at is not None or user.email_verified_at is None:
        return False
    if user.email_canonical != used.email_canonical:
        return False
    # Two mailboxes can have one canonical form.
    return mailbox_of(used.data.get("email", user.email)) == mailbox_of(user.email)


async def end_claims_since(tx: Transaction, user_id: int, email: str, *, now: datetime) -> bool:
    """End the "this was not me" claims of every mailbox that the account has had since this one.

    Returns whether the mailbox has a claim itself; without one, there is nothing to end.
    """
    tokens = OneTimeTokens(tx)
    oldest = await tokens.oldest(Purpose.COMPROMISE_REPORT, user_id, now=now, email=email)
    if oldest is None:
        return False
    await tokens.void_younger(Purpose.COMPROMISE_REPORT, user_id, than=oldest, email=email, now=now)
    return True
