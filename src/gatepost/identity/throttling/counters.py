"""The counters of wrong guesses, and the waits that they cause."""

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
# Longer than the longest wait for codes, so that the count does not start again after a wait of a day.
CODES_FORGOTTEN_AFTER = timedelta(days=30)
# A site can easily get a network of this size (RFC 6177), so all of it takes one turn.
IPV6_SITE_BITS = 48


class CounterKind(StrEnum):
    """What a counter counts guesses by."""

    ACCOUNT = "account"
    ADDRESS = "address"
    PLACE = "place"
    DEVICE = "device"
    SESSION = "session"
    SECOND_FACTOR = "second_factor"
    KNOWN_SECOND_FACTOR = "known_second_factor"
    EMAIL_CODE = "email_code"
    KNOWN_EMAIL_CODE = "known_email_code"


# The counters that a guess of a password may use, before its account is known.
OF_PASSWORDS = (
    CounterKind.ACCOUNT, CounterKind.ADDRESS, CounterKind.PLACE, CounterKind.DEVICE, CounterKind.SESSION,
)  # fmt: skip
# There are few possible codes, so somebody who has the password, or requests codes by mail, must not get many attempts
# in a year.
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
    """How many wrong guesses start the first wait, and the longest wait."""

    per_account: int
    per_address: int
    longest_wait: timedelta

    @classmethod
    def of(cls, settings: LimitSettings) -> Self:
        """Read the rules from the settings."""
        return cls(
            per_account=settings.guesses_per_account,
            per_address=settings.guesses_per_address,
            longest_wait=timedelta(seconds=settings.guess_max_wait_seconds),
        )

    def allowed(self, kind: CounterKind) -> int:
        """Return the number of allowed wrong guesses; the last of them starts the first wait."""
        return self.per_address if kind is CounterKind.ADDRESS else self.per_account

    def wait(self, kind: CounterKind, failures: int) -> timedelta:
        """Return the wait after this many wrong guesses; it doubles with each."""
        beyond = failures - self.allowed(kind)
        if beyond < 0:
            return timedelta()
        # After 20 doublings every wait is the longest one.
        return min(FIRST_WAIT * (1 << min(beyond, 20)), DAY if kind in OF_CODES else self.longest_wait)

    def forgotten_at(self, kind: CounterKind, old: datetime, *, now: datetime) -> datetime:
        """Return when wrong guesses are forgotten.

        Wrong passwords for an account are forgotten a day after the last one, wrong codes after a month. Those from an
        address are forgotten an hour after the first one, because many people may share it and mistype now and then.
        """
        return old if kind is CounterKind.ADDRESS else self.first_forgotten_at(kind, now=now)

    def first_forgotten_at(self, kind: CounterKind, *, now: datetime) -> datetime:
        """Return when a first wrong guess is forgotten."""
        if kind in OF_CODES:
            return now + CODES_FORGOTTEN_AFTER
        return now + (HOUR if kind is CounterKind.ADDRESS else DAY)


class Counters:
    """Names the counters, by a MAC with a separate key."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._key = secrets.derive("guess counter")[0]

    def of_name(self, name: str) -> Counter:
        """Return the counter of a `counted_name`, whether or not an account has it."""
        return self._counter(CounterKind.ACCOUNT, name)

    def of_place(self, name: str, address: str) -> Counter:
        """Return the counter of a `counted_name` at an address, or in the /64 network of an IPv6 address."""
        return self._counter(CounterKind.PLACE, f"{network(address)} {name}")

    def of_address(self, address: str) -> Counter:
        """Return the counter of an IPv4 address, or of the /64 network of an IPv6 address."""
        return self._counter(CounterKind.ADDRESS, network(address))

    def of_device(self, name: str, nonce: str) -> Counter:
        """Return the counter of a `counted_name` on a device with a device token.

        Other people who use the device cannot clear it with a correct password of their own.
        """
        return self._counter(CounterKind.DEVICE, f"{nonce} {name}")

    def of_session(self, session_id: int) -> Counter:
        """Return the counter of a session."""
        return self._counter(CounterKind.SESSION, str(session_id))

    def of_second_factors(self, user: User, *, is_known: bool) -> Counter:
        """Return the counter of all second factors of an account, for its known or for unknown devices.

        All known devices share one: somebody who had the password before there was a second factor may have many.
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
    """Return the asker for the hashing pool's queue; `account` is any text that is always the same for an account."""
    return Asker(network(info.address, ipv6_bits=IPV6_SITE_BITS), account)


def counted_name(typed: str, name: tuple[str, str] | None) -> str:
    """Return the key for counting guesses for a name, given the typed text and its `canonical_identifier`."""
    # Text that cannot be a name is counted as typed, just like an unknown name.
    return " ".join(name or ("nobody", typed))


def counted_names(user: User) -> tuple[str, str]:
    """Return the keys for counting guesses for an account: its user name and its address."""
    return f"username {user.username_canonical}", f"email {user.email_canonical}"
