"""Whom a wrong guess is counted on, and how long they wait then."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from gatepost.core.crypto import base64url
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.crypto.turns import Asker
from gatepost.core.request_info import RequestInfo, network
from gatepost.core.settings.limit_group import LimitSettings
from gatepost.identity.accounts.models import User

FIRST_WAIT = timedelta(seconds=5)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
# Longer than their longest wait: who has waited for a day does not begin anew.
CODES_FORGOTTEN_AFTER = timedelta(days=30)
# And whoever wants more has this without asking much for it (RFC 6177): one turn is enough for all of it.
IPV6_SITE_BITS = 48


class CounterKind(StrEnum):
    """Who guesses, as far as we can tell."""

    ACCOUNT = "account"
    ADDRESS = "address"
    PLACE = "place"
    DEVICE = "device"
    SESSION = "session"
    SECOND_FACTOR = "second_factor"
    KNOWN_SECOND_FACTOR = "known_second_factor"
    EMAIL_CODE = "email_code"
    KNOWN_EMAIL_CODE = "known_email_code"


# What a guess of a password counts on, before it is known whose it is.
OF_PASSWORDS = (
    CounterKind.ACCOUNT, CounterKind.ADDRESS, CounterKind.PLACE, CounterKind.DEVICE, CounterKind.SESSION,
)  # fmt: skip
# Of codes there are few, so that whoever has the password, or asks for mails, must not have many tries in a year.
OF_CODES = (
    CounterKind.SECOND_FACTOR, CounterKind.KNOWN_SECOND_FACTOR, CounterKind.EMAIL_CODE, CounterKind.KNOWN_EMAIL_CODE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counter:
    """One row of the table of guesses."""

    kind: CounterKind
    subject: str


@dataclass(frozen=True, slots=True)
class GuessRules:
    """How many wrong guesses begin the first wait, and the longest wait."""

    per_account: int
    per_address: int
    longest_wait: timedelta

    @classmethod
    def of(cls, settings: LimitSettings) -> Self:
        """Read how many wrong guesses are free, and the longest wait."""
        return cls(
            per_account=settings.guesses_per_account,
            per_address=settings.guesses_per_address,
            longest_wait=timedelta(seconds=settings.guess_max_wait_seconds),
        )

    def allowed(self, kind: CounterKind) -> int:
        """Return how many wrong guesses there may be; the last of them begins the first wait."""
        return self.per_address if kind is CounterKind.ADDRESS else self.per_account

    def wait(self, kind: CounterKind, failures: int) -> timedelta:
        """Return how long to wait after so many wrong guesses; it doubles with each."""
        beyond = failures - self.allowed(kind)
        if beyond < 0:
            return timedelta()
        # Past 20 doublings every wait is the longest.
        return min(FIRST_WAIT * (1 << min(beyond, 20)), DAY if kind in OF_CODES else self.longest_wait)

    def forgotten_at(self, kind: CounterKind, old: datetime, *, now: datetime) -> datetime:
        """Return when wrong guesses are forgotten.

        Those for an account a day after the last one, and a month where they were codes; those from an address an hour
        after the first one, since many people may share it, and some of them mistype every hour.
        """
        return old if kind is CounterKind.ADDRESS else self.first_forgotten_at(kind, now=now)

    def first_forgotten_at(self, kind: CounterKind, *, now: datetime) -> datetime:
        """Return when a first wrong guess is forgotten."""
        if kind in OF_CODES:
            return now + CODES_FORGOTTEN_AFTER
        return now + (HOUR if kind is CounterKind.ADDRESS else DAY)


class Counters:
    """Names the rows, by a MAC under a key of its own."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._key = secrets.derive("guess counter")[0]

    def of_name(self, name: str) -> Counter:
        """Return the counter of a `counted_name`, whether an account has it or not."""
        return self._counter(CounterKind.ACCOUNT, name)

    def of_place(self, name: str, address: str) -> Counter:
        """Return the counter of a `counted_name` at an address, or in the /64 network of an IPv6 address."""
        return self._counter(CounterKind.PLACE, f"{network(address)} {name}")

    def of_address(self, address: str) -> Counter:
        """Return the counter of an IPv4 address, or of the /64 network of an IPv6 address."""
        return self._counter(CounterKind.ADDRESS, network(address))

    def of_device(self, name: str, nonce: str) -> Counter:
        """Return the counter of a `counted_name` on a device that has a device token.

        Whoever else uses the device cannot clear it with a right password of their own.
        """
        return self._counter(CounterKind.DEVICE, f"{nonce} {name}")

    def of_session(self, session_id: int) -> Counter:
        """Return the counter of a session."""
        return self._counter(CounterKind.SESSION, str(session_id))

    def of_second_factors(self, user: User, *, is_known: bool) -> Counter:
        """Return the counter of all second factors of an account, for devices that it has been signed in to on, or not.

        One for all such devices: whoever had the password before there was a second factor may have made many.
        """
        kind = CounterKind.KNOWN_SECOND_FACTOR if is_known else CounterKind.SECOND_FACTOR
        return self._counter(kind, f"{user.id} {user.random_id}")

    def of_email_codes(self, email_canonical: str, *, is_known: bool) -> Counter:
        """Return the counter of all codes that an address gets by mail, for devices known to its account, or not."""
        kind = CounterKind.KNOWN_EMAIL_CODE if is_known else CounterKind.EMAIL_CODE
        return self._counter(kind, email_canonical)

    def of_session_codes(self, session_id: int) -> Counter:
        """Return the counter of all codes by mail that are asked for in a session."""
        return self._counter(CounterKind.EMAIL_CODE, f"session {session_id}")

    def _counter(self, kind: CounterKind, subject: str) -> Counter:
        digest = hmac.new(self._key, f"{kind} {subject}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return Counter(kind, base64url.encode(digest))


def turn_of(info: RequestInfo, account: str = "") -> Asker:
    """Return whose password it is that waits to be hashed; an account is any text that is always the same for it."""
    return Asker(network(info.address, ipv6_bits=IPV6_SITE_BITS), account)


def counted_name(typed: str, name: tuple[str, str] | None) -> str:
    """Return what guesses for a name are counted by, given what was typed and its `canonical_identifier`."""
    # What nobody can be called is counted as it was typed, just as an unknown name is.
    return " ".join(name or ("nobody", typed))


def counted_names(user: User) -> tuple[str, str]:
    """Return what guesses for an account are counted by: its user name and its address."""
    return f"username {user.username_canonical}", f"email {user.email_canonical}"
