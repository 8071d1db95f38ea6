"""Passwords: how they are prepared, hashed and checked. The only file that imports passlib."""

import asyncio
import os
import re
import sys
import threading
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from passlib.context import CryptContext
from passlib.exc import MissingBackendError, PasslibHashWarning, PasslibSecurityError
from passlib.hash import argon2
from precis_i18n import get_profile

from gatepost.core.errors import Unavailable

T = TypeVar("T")

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
# Of the threads that hash, beside 0 of the event loop.
NICENESS = 10
KNOWN = CryptContext([OURS, *IMPORTED])


class UnusablePasswordError(ValueError):
    """The text cannot be a password: control characters, half a surrogate pair, or nothing."""


class UnknownHashError(ValueError):
    """No password can be checked against the hash; the message says why and never quotes it."""


class HashingBusy(Unavailable):
    """More passwords wait to be hashed than is worth waiting for."""

    code = "hashing_busy"
    title = "Too busy"
    message = "Too many people are signing in at the moment. Please try again."


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

    def __init__(self, *, rounds: int, queue: int) -> None:
        self._context = CryptContext([OURS, *IMPORTED], deprecated=[*IMPORTED], bcrypt_sha256__rounds=rounds)
        workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="passwords", initializer=_stand_back)
        # How many may wait or be hashed at once, how many do, and how many found no place.
        self.room = workers + queue
        self.waiting = 0
        self.refused = 0
        cheap = self._context.using(bcrypt_sha256__rounds=CHEAPEST_ROUNDS).hash("nobody's")
        # Costs as much to check as a real hash, and no password fits it.
        self._nobodys_hash = cheap.replace(f"r={CHEAPEST_ROUNDS}$", f"r={rounds}$")

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            UnusablePasswordError: the text cannot be a password.
            HashingBusy: the queue is full.
        """
        return await self._run(partial(self._context.hash, prepare(password)))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Check a password; with no stored hash, do the same work and say no.

        Whatever is odd about the password or the stored hash is a wrong password, after the same work.

        Raises:
            HashingBusy: the queue is full.
        """
        return await self._run(partial(self._check, password, stored))

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

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

    async def _run(self, work: "partial[T]") -> T:
        if self.waiting >= self.room:
            self.refused += 1
            raise HashingBusy
        self.waiting += 1
        job = self._pool.submit(work)
        job.add_done_callback(partial(self._done, asyncio.get_running_loop()))
        return await asyncio.wrap_future(job)

    def _done(self, loop: asyncio.AbstractEventLoop, _: "Future[Any]") -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self.waiting -= 1


def _stand_back() -> None:
    """Let the event loop have the processor first where there is work for both: it answers everybody else."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
