"""What a way in proves. One more way in is one more `Attempt`, in a file of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.throttling.counters import Counter


@dataclass(frozen=True, slots=True)
class Proof:
    """Whoever asks has shown to be the person of an account.

    `user` is the account as it was read for this, and `amr` names how it was shown (RFC 8176), separated by spaces. A
    wrong guess would have counted on `counters`. Of a device that is new to the account its owner is told.
    """

    user: User
    amr: str
    counters: Sequence[Counter] = ()
    is_new_device: bool = False


class Attempt(Protocol):
    """One try to sign in, by whatever method."""

    @property
    def info(self) -> RequestInfo:
        """Who tries."""

    async def prove(self) -> Proof:
        """Check what was given, and return whose account it proves; it is asked again where that changes meanwhile.

        Raises:
            AppError: it proves nothing. The method has remembered that.
        """

    async def succeeded(self) -> None:
        """Do what comes after the sign-in that the last proof has led to."""
