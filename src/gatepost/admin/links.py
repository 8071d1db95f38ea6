"""What an act of an administrator does to the links of an account."""

from datetime import datetime

from gatepost.accounts.mails import LinkEnd, end_links, write
from gatepost.accounts.models import User
from gatepost.accounts.one_time_tokens import OneTimeTokens, Purpose
from gatepost.core.database import Transaction
from gatepost.core.passwords import UNUSABLE_HASH
from gatepost.mail.outbox import MailKind


async def end_links_of(tx: Transaction, user: User, after: LinkEnd, *, now: datetime) -> None:
    """Make the links of an account void; who was to choose a first password by one of them gets a new one."""
    waiting = await OneTimeTokens(tx).oldest(Purpose.SET_PASSWORD, user.id, now=now)
    await end_links(tx, user.id, after, now=now)
    if waiting is not None and user.password_hash == UNUSABLE_HASH:
        await write(tx, MailKind.SET_PASSWORD, user, at=now)
