"""How many mails a mailbox gets: counted when they are sent, so that no answer tells what others have asked for."""

from gatepost.core.client import Client
from gatepost.limits.counters import network
from gatepost.limits.rates import Rate, RateLimits

# Somebody who shows that the account is theirs: what strangers ask for does not count on them.
OWNER = "owner"


class Mailboxes:
    """Lets so many mails of a kind to a mailbox pass: so many for each who asks, and so many for all strangers.

    The kinds are counted apart, so that nobody closes the way to one by asking for another.
    """

    def __init__(self, rates: RateLimits) -> None:
        self._rates = rates

    async def admit(self, kind: str, mailbox: str, asker: str) -> bool:
        """Count a mail, and return whether it is to be sent; `asker` is empty for what an account's own acts cause."""
        own = await self._rates.hit(Rate.MAILBOX, f"{kind} {mailbox} {network(asker) or asker}")
        if own is not None and own.is_over:
            return False
        if asker in ("", OWNER):
            return True
        everybodys = await self._rates.hit(Rate.MAILBOX_STRANGERS, f"{kind} {mailbox}")
        return everybodys is None or not everybodys.is_over


def asker(client: Client) -> str:
    """Return who asks, where it may be anybody: the address that they ask from."""
    return client.address or "unknown"
