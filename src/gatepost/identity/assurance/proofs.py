"""What a way in proves. One more way in is one more `Attempt`, in a file of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, Self

from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Authentication, Session
from gatepost.identity.throttling.counters import Counter
from gatepost.identity.tokens.principal import Acr


class Amr(StrEnum):
    """How people prove who they are, as tokens say it (RFC 8176)."""

    PASSWORD = "pwd"  # noqa: S105  a method, not a password
    ONE_TIME_CODE = "otp"
    SEVERAL_FACTORS = "mfa"


# What each is a proof of: two proofs of one kind are one factor.
KINDS: dict[str, str] = {Amr.PASSWORD: "knowledge", Amr.ONE_TIME_CODE: "possession"}


@dataclass(frozen=True, slots=True)
class Proved:
    """One proof: by what, and when."""

    by: Amr
    at: datetime

    def as_json(self) -> dict[str, str]:
        """Return what is stored of it."""
        return {"by": self.by, "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what is stored."""
        return cls(Amr(stored["by"]), datetime.fromisoformat(stored["at"]))


@dataclass(frozen=True, slots=True)
class Proof:
    """Whoever asks has shown to be the person of an account.

    `user` is the account as it was read for this, `proved` tells by what it was shown, and `has_second_factor` whether
    the account wants more than one. A wrong guess would have counted on `counters`. Of a device that is new to the
    account its owner is told.
    """

    user: User
    proved: tuple[Proved, ...]
    has_second_factor: bool
    counters: Sequence[Counter] = ()
    is_new_device: bool = False

    @property
    def authentication(self) -> Authentication:
        """What the session says of it: all methods, how sure that is, and the moment of the last proof."""
        return _authentication([proved.by for proved in self.proved], at=max(proved.at for proved in self.proved))


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
        """Do what comes after the last proof was enough, or led on to a second factor."""


def authentication_with(session: Session, method: Amr, *, now: datetime) -> Authentication:
    """Return what a session says of how its person proved who they are, once they have by one more method."""
    before = [Amr(word) for word in session.amr.split() if word in KINDS]
    return _authentication([*before, method], at=now)


def _authentication(methods: Sequence[Amr], *, at: datetime) -> Authentication:
    several = len({KINDS[method] for method in methods}) > 1
    words = dict.fromkeys([*methods, *([Amr.SEVERAL_FACTORS] if several else [])])
    return Authentication(amr=" ".join(words), acr=Acr.TWO_FACTORS if several else Acr.ONE_FACTOR, at=at)
