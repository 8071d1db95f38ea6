"""How many mails a mailbox gets: counted when they are sent, so that no answer tells what others have asked for."""

from gatepost.core.request_info import RequestInfo, network
from gatepost.identity.accounts.models import User
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.errors import TooManyRequests
from gatepost.identity.throttling.rates import Rate, RateLimits

# Begins the name of a device on which the account was signed in to before.
DEVICE = "device "


class Mailboxes:
    """Lets so many mails of a kind to a mailbox pass: so many for each who asks, and so many for all strangers.

    The kinds are counted apart, so that nobody closes the way to one by asking for another.
    """

    def __init__(self, rates: RateLimits) -> None:
        self._rates = rates

    async def admit(self, kind: str, mailbox: str, asker: str, *, is_home: bool = False) -> bool:
        """Count a mail, and return whether it is to be sent.

        `asker` is an `asker`, or empty for what an account's own acts cause; `is_home` where the account is signed in
        to at that address. What strangers ask for together counts neither on such a place nor on a device.
        """
        own = await self._rates.hit(Rate.MAILBOX, f"{kind} {mailbox} {network(asker) or asker}")
        if own is not None and own.is_over:
            return False
        if not asker or asker.startswith(DEVICE) or is_home:
            return True
        everybodys = await self._rates.hit(Rate.MAILBOX_SHARED, f"{kind} {mailbox}")
        return everybodys is None or not everybodys.is_over

    async def take(self, kind: str, mailbox: str) -> None:
        """Count a mail that people who are trusted to have it sent ask for, all of them together.

        Raises:
            TooManyRequests: the mailbox has had too many; nothing may be done that only such a mail makes good.
        """
        status = await self._rates.hit(Rate.MAILBOX, f"{kind} {mailbox} ")
        if status is not None and status.is_over:
            refusal = TooManyRequests(retry_after_seconds=status.reset_seconds)
            refusal.headers |= {"RateLimit-Policy": status.policy, "RateLimit": status.left}
            raise refusal


def asker(info: RequestInfo, device: Device | None = None, user: User | None = None) -> str:
    """Return who asks: a device that shows that it is one of the account's, each by itself, or else an address."""
    if device is not None and user is not None and device.belongs_to(user):
        return DEVICE + device.nonce
    return info.address or "unknown"
