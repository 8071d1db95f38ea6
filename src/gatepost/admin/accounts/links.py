"""Invalidates the links of an account after a change by an administrator."""

from datetime import datetime

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.mail.outbox import MailKind


async def end_links_of(tx: Transaction, user: User, after: LinkEnd, *, now: datetime) -> None:
    """Invalidate the links of an account. If one was for choosing a first password, a new one is sent."""
    waiting = await OneTimeTokens(tx).oldest(Purpose.SET_PASSWORD, user.id, now=now)
    await end_links(tx, user.id, after, now=now)
    if waiting is not None and not user.has_password:
        await notify(tx, MailKind.SET_PASSWORD, user, at=now)
