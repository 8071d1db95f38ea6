"""What an act of an administrator does to the links of an account."""

from datetime import datetime

from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.mail.outbox import MailKind


async def end_links_of(tx: Transaction, user: User, after: LinkEnd, *, now: datetime) -> None:
    """Make the links of an account void; who was to choose a first password by one of them gets a new one."""
    waiting = await OneTimeTokens(tx).oldest(Purpose.SET_PASSWORD, user.id, now=now)
    await end_links(tx, user.id, after, now=now)
    if waiting is not None and user.password_hash == UNUSABLE_HASH:
        await notify(tx, MailKind.SET_PASSWORD, user, at=now)
