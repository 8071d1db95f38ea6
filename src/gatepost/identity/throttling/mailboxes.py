"""Limits on mails to a mailbox, counted when they are sent, so that no answer reveals what others have requested."""

from gatepost.core.request_info import RequestInfo, network
from gatepost.identity.accounts.models import User
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.errors import TooManyRequests
from gatepost.identity.throttling.rates import Rate, RateLimits

# The prefix of an asker that is a device on which the account has signed in before.
DEVICE = "device "


class Mailboxes:
    """Limits the mails of a kind to a mailbox: for each asker, and for all strangers together.

    Each kind is counted separately, so that nobody can block one kind by requesting another.
    """

    def __init__(self, rates: RateLimits) -> None:
        self._rates = rates

    async def admit(self, kind: str, mailbox: str, asker: str, *, is_home: bool = False) -> bool:
        """Count a mail, and return whether it may be sent.

        `asker` is the result of `asker()`, or empty for mails that the account itself causes. `is_home` means that the
        account is signed in at that address. The limit for all strangers does not apply to such addresses and to known
        devices.
        """
        own = await self._rates.hit(Rate.MAILBOX, f"{kind} {mailbox} {network(asker) or asker}")
        if own is not None and own.is_over:
            return False
        if not asker or asker.startswith(DEVICE) or is_home:
            return True
        everybodys = await self._rates.hit(Rate.MAILBOX_SHARED, f"{kind} {mailbox}")
        return everybodys is None or not everybodys.is_over

    async def take(self, kind: str, mailbox: str) -> None:
        """Count a mail that trusted people request, all of them together.

        Raises:
            TooManyRequests: the mailbox has had too many, so do nothing that depends on this mail.
        """
        status = await self._rates.hit(Rate.MAILBOX, f"{kind} {mailbox} ")
        if status is not None and status.is_over:
            refusal = TooManyRequests(retry_after_seconds=status.reset_seconds)
            refusal.headers |= {"RateLimit-Policy": status.policy, "RateLimit": status.left}
            raise refusal


def asker(info: RequestInfo, device: Device | None = None, user: User | None = None) -> str:
    """Return who requests a mail: one of the account's known devices, or otherwise an address."""
    if device is not None and user is not None and device.belongs_to(user):
        return DEVICE + device.nonce
    return info.address or "unknown"
