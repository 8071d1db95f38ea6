"""Passwords: how they are prepared, hashed and checked. The only file that imports passlib."""

import re
import warnings
from dataclasses import dataclass
from functools import partial

from passlib.context import CryptContext
from passlib.exc import MissingBackendError, PasslibHashWarning, PasslibSecurityError
from passlib.hash import argon2
from precis_i18n import get_profile

from gatepost.core.hashing_line import HashingLine

# RFC 8265, section 4.2: any script, composed, nothing trimmed, no case change, no control characters.
PROFILE = get_profile("OpaqueString")
LONGEST = 1024
CHEAPEST_ROUNDS = 4
# Stored where an account has no password; no password fits it.
UNUSABLE_HASH = "!"
OURS = "bcrypt_sha256"
OURS_PREFIX = "$bcrypt-sha256$"
# Hashes of earlier systems: checked, and replaced at the next sign-in.
IMPORTED = ("bcrypt", "django_pbkdf2_sha256", "phpass", "argon2")
PHPASS_LENGTH = 34
BCRYPT = re.compile(r"\$2[aby]\$")
# One check of a dearer hash would keep a thread busy for many seconds, or take the memory of the machine.
DEAREST_ROUNDS = {
    "bcrypt_sha256": 16, "bcrypt": 16, "django_pbkdf2_sha256": 5_000_000, "phpass": 20, "argon2": 32,
}  # fmt: skip
MOST_ARGON2_KIB = 1024 * 1024
KNOWN = CryptContext([OURS, *IMPORTED])


class UnusablePasswordError(ValueError):
    """The text cannot be a password: control characters, half a surrogate pair, or nothing."""


class UnknownHashError(ValueError):
    """No password can be checked against the hash; the message says why and never quotes it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: the password is right, and its hash is to be replaced by a stronger one."""

    is_right: bool
    needs_rehash: bool = False


def prepare(password: str) -> str:
    """Return the password in the one form that is hashed (PRECIS OpaqueString).

    Raises:
        UnusablePasswordError: it cannot be a password.
    """
    try:
        return PROFILE.enforce(password)
    except UnicodeEncodeError as error:
        raise UnusablePasswordError("it is empty or holds a control character") from error


def require_known_hash(stored: str) -> None:
    """Let a hash pass that an earlier system made and that passwords can be checked against.

    Known are bcrypt (`$2a$`, `$2b$`, `$2y$`), bcrypt over SHA-256, Django's `pbkdf2_sha256$`, phpass (`$P$`, `$H$`),
    and argon2.

    Raises:
        UnknownHashError: it is none of these, is cut off, costs too much, or needs a package that is not installed.
    """
    handler = KNOWN.identify(stored, resolve=True)
    if handler is None or (handler.name == "bcrypt" and not BCRYPT.match(stored)):
        raise UnknownHashError("the format of the password hash is not known")
    if handler.name == "argon2" and not argon2.has_backend():
        raise UnknownHashError("argon2 hashes need a package: pip install 'gatepost[argon2]'")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PasslibHashWarning)
            parts = handler.from_string(stored)
    except (ValueError, TypeError) as error:
        raise UnknownHashError("the password hash is cut off or malformed") from error
    # passlib does not count the characters of phpass itself.
    if not parts.checksum or (handler.name == "phpass" and len(stored) != PHPASS_LENGTH):
        raise UnknownHashError("the password hash is cut off or malformed")
    if parts.rounds > DEAREST_ROUNDS[handler.name] or getattr(parts, "memory_cost", 0) > MOST_ARGON2_KIB:
        raise UnknownHashError("checking the password hash would take too long")


class Passwords:
    """Hashes and checks passwords on their own threads, so that the event loop never waits.

    bcrypt alone ignores all past 72 bytes; bcrypt_sha256 does not, so new hashes are of that kind, and hashes of
    an earlier system are checked and marked for replacement.
    """

    def __init__(self, *, rounds: int, queue: int, queue_seconds: float = 5.0) -> None:
        self._context = CryptContext([OURS, *IMPORTED], deprecated=[*IMPORTED], bcrypt_sha256__rounds=rounds)
        self.line = HashingLine(queue=queue, queue_seconds=queue_seconds)
        cheap = self._context.using(bcrypt_sha256__rounds=CHEAPEST_ROUNDS).hash("nobody's")
        # Costs as much to check as a real hash, and no password fits it.
        self._nobodys_hash = cheap.replace(f"r={CHEAPEST_ROUNDS}$", f"r={rounds}$")

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            UnusablePasswordError: the text cannot be a password.
            HashingBusy: the queue is full.
        """
        return await self.line.run(partial(self._context.hash, prepare(password)))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Check a password; with no stored hash, do the same work and say no.

        Whatever is odd about the password or the stored hash is a wrong password, after the same work.

        Raises:
            HashingBusy: the queue is full.
        """
        return await self.line.run(partial(self._check, password, stored))

    def close(self) -> None:
        """Let the threads end."""
        self.line.close()

    def _check(self, password: str, stored: str | None) -> Verdict:
        try:
            prepared = prepare(password) if len(password) <= LONGEST else None
        except UnusablePasswordError:
            prepared = None
        if prepared is not None and stored is not None:
            try:
                if self._fits(password, prepared, stored):
                    return Verdict(is_right=True, needs_rehash=self._context.needs_update(stored))
                if self._context.identify(stored) == OURS:
                    return Verdict(is_right=False)
            except (ValueError, TypeError, PasslibSecurityError, MissingBackendError):
                pass  # a stored hash that is none
        # Also where a cheaper hash of an earlier system was wrong: quick answers would tell who has one.
        self._context.verify("somebody's", self._nobodys_hash)
        return Verdict(is_right=False)

    def _fits(self, password: str, prepared: str, stored: str) -> bool:
        if self._context.verify(prepared, stored):
            return True
        # Earlier systems hashed what was typed, as it was.
        return (
            password != prepared and self._context.identify(stored) != OURS and self._context.verify(password, stored)
        )
