"""Passwords: how they are prepared, hashed and checked. The only file that imports passlib."""

import base64
import hmac
import re
import secrets
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from passlib.context import CryptContext
from passlib.exc import MissingBackendError, PasslibHashWarning, PasslibSecurityError
from passlib.hash import argon2
from precis_i18n import get_profile

from gatepost.core.crypto.hashing_pool import HashingPool
from gatepost.core.crypto.turns import NOBODY, Asker

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
# WordPress 6.8: `wp_hash_password` puts a MAC before bcrypt, which is cut to no more than 72 bytes.
WORDPRESS, WORDPRESS_KEY = "$wp", b"wp-sha384"
PHP_SPACE = " \n\r\t\v\0"
# No JSON of ours holds them, and bcrypt takes neither.
UNHASHABLE = re.compile("[\x00\ud800-\udfff]")
# What is checked where no form of a password can be.
SOMETHING = ("somebody's",)
# One check of a dearer hash would keep a thread busy for many seconds, or take the memory of the machine.
DEAREST_ROUNDS = {
    "bcrypt_sha256": 16, "bcrypt": 16, "django_pbkdf2_sha256": 5_000_000, "phpass": 20, "argon2": 32,
}  # fmt: skip
MOST_ARGON2_KIB = 1024 * 1024
# What passlib calls the options of a hash that decide what a check of it costs.
COSTS = ("rounds", "memory_cost", "parallelism", "type")
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

    Known are bcrypt (`$2a$`, `$2b$`, `$2y$`, and WordPress' `$wp$2y$`), bcrypt over SHA-256, Django's
    `pbkdf2_sha256$`, phpass (`$P$`, `$H$`), and argon2.

    Raises:
        UnknownHashError: it is none of these, is cut off, costs too much, or needs a package that is not installed.
    """
    is_wrapped, stored = stored.startswith(WORDPRESS), stored.removeprefix(WORDPRESS)
    handler = KNOWN.identify(stored, resolve=True)
    if is_wrapped and not BCRYPT.match(stored):
        handler = None
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


@dataclass(frozen=True, slots=True)
class HashKind:
    """What checking a password against a hash costs: the scheme, and the options that make it dear.

    bcrypt with and without SHA-256 in front are one scheme, whose work doubles with each round.
    """

    scheme: str
    options: tuple[tuple[str, Any], ...]

    @property
    def bcrypt_rounds(self) -> int | None:
        """Its rounds where it is bcrypt."""
        return dict(self.options)["rounds"] if self.scheme == "bcrypt" else None


class Passwords:
    """Hashes and checks passwords on their own threads, so that the event loop never waits.

    bcrypt alone ignores all past 72 bytes; bcrypt_sha256 does not, so new hashes are of that kind, and hashes of
    an earlier system are checked and marked for replacement.

    Every check does the work of all kinds of hashes that accounts have, so that its time tells neither whether there
    is an account nor how old its password is.
    """

    def __init__(self, *, rounds: int, queue: int, queue_seconds: float = 5.0) -> None:
        self._context = CryptContext([OURS, *IMPORTED], deprecated=[*IMPORTED], bcrypt_sha256__rounds=rounds)
        self.line = HashingPool(queue=queue, queue_seconds=queue_seconds)
        self._rounds = self._dearest_rounds = rounds
        # Of kinds that are not bcrypt, a hash each that no password fits.
        self._other_kinds: dict[HashKind, str] = {}
        self._cheap_hash = self._context.using(bcrypt_sha256__rounds=CHEAPEST_ROUNDS).hash(secrets.token_hex())

    async def hash(self, password: str, *, asker: Asker = NOBODY) -> str:
        """Return the hash to store.

        Raises:
            UnusablePasswordError: the text cannot be a password.
            HashingBusy: the queue is full.
        """
        return await self.line.run(partial(self._context.hash, prepare(password)), asker)

    async def verify(self, password: str, stored: str | None, *, asker: Asker = NOBODY) -> Verdict:
        """Check a password; with no stored hash, do the same work and say no.

        Whatever is odd about the password or the stored hash is a wrong password, after the same work.

        Raises:
            HashingBusy: the queue is full.
        """
        return await self.line.run(partial(self._check, password, stored or UNUSABLE_HASH), asker)

    async def expect(self, examples: Iterable[str]) -> None:
        """From now on do the work of these kinds of hashes, of which there is one example each, and of no others."""
        await self.line.run(partial(self._expect, tuple(examples)))

    def close(self) -> None:
        """Let the threads end."""
        self.line.close()

    def _check(self, password: str, stored: str) -> Verdict:
        prepared, forms = _forms(password)
        kind = self._kind(stored)
        fits, checked = None, 0
        if kind is not None:
            self._add_kind(kind)
            fits, checked = self._try(forms, stored)
        self._work_off(kind, checked, forms or SOMETHING)
        if fits is None:
            return Verdict(is_right=False)
        # One that we could not have hashed keeps the hash that it has.
        is_old = fits != prepared or stored.startswith(WORDPRESS) or self._context.needs_update(stored)
        return Verdict(is_right=True, needs_rehash=prepared is not None and is_old)

    def _try(self, forms: Iterable[str], stored: str) -> tuple[str | None, int]:
        """Return which form of a password fits, if one does, and after how many checks."""
        checked = 0
        for form in forms:
            try:
                is_right = self._context.verify(*_unwrapped(form, stored))
            except (ValueError, TypeError, PasslibSecurityError, MissingBackendError):
                return None, checked  # a stored hash that is none
            checked += 1
            if is_right:
                return form, checked
        return None, checked

    def _work_off(self, kind: HashKind | None, checked: int, forms: Sequence[str]) -> None:
        """Do what is left of checking all forms against every kind, after some against one kind.

        With the forms themselves: there are kinds whose work grows with the length of a password.
        """
        for other, nobodys in self._other_kinds.items():
            for form in forms[checked if other == kind else 0 :]:
                self._context.verify(form, nobodys)
        done = checked << kind.bcrypt_rounds if kind is not None and kind.bcrypt_rounds is not None else 0
        left = (len(forms) << self._dearest_rounds) - done
        for rounds in range(self._dearest_rounds, CHEAPEST_ROUNDS - 1, -1):
            for _ in range(left >> rounds):
                self._context.verify(forms[0], self._nobodys(rounds))
            left %= 1 << rounds

    def _nobodys(self, rounds: int) -> str:
        """Return a hash that costs these rounds to check, and that no password fits."""
        return self._cheap_hash.replace(f"r={CHEAPEST_ROUNDS}$", f"r={rounds}$")

    def _kind(self, stored: str) -> HashKind | None:
        """Return the kind of a stored hash; None where no password can be checked against it."""
        stored = stored.removeprefix(WORDPRESS)
        handler = self._context.identify(stored, resolve=True)
        try:
            parts = handler.from_string(stored) if handler is not None else None
        except (ValueError, TypeError):
            return None
        if parts is None:
            return None
        options = tuple((name, getattr(parts, name)) for name in COSTS if hasattr(parts, name))
        return HashKind("bcrypt" if handler.name == OURS else handler.name, options)

    def _add_kind(self, kind: HashKind) -> None:
        if kind.bcrypt_rounds is not None:
            self._dearest_rounds = max(self._dearest_rounds, kind.bcrypt_rounds)
        elif kind not in self._other_kinds:
            handler = self._context.handler(kind.scheme)
            with suppress(MissingBackendError):  # then no check of it does any work
                nobodys = handler.using(**dict(kind.options)).hash(secrets.token_hex())
                self._other_kinds = {**self._other_kinds, kind: nobodys}

    def _expect(self, examples: Iterable[str]) -> None:
        kinds = {kind for example in examples if (kind := self._kind(example)) is not None}
        self._other_kinds = {kind: nobodys for kind, nobodys in self._other_kinds.items() if kind in kinds}
        self._dearest_rounds = max([self._rounds, *(kind.bcrypt_rounds or 0 for kind in kinds)])
        for kind in kinds:
            self._add_kind(kind)


def _forms(password: str) -> tuple[str | None, Sequence[str]]:
    """Return a password as it is prepared, if it can be, and what is checked: that, and what was typed.

    Earlier systems hashed what was typed, a tab or an emoji of several characters included.
    """
    if not password or len(password) > LONGEST:
        return None, ()
    try:
        prepared = prepare(password)
    except UnusablePasswordError:
        return None, () if UNHASHABLE.search(password) else (password,)
    return prepared, (prepared,) if prepared == password else (prepared, password)


def _unwrapped(password: str, stored: str) -> tuple[str, str]:
    """Return what bcrypt is to check for a hash of WordPress; all else as it is."""
    if not stored.startswith(WORDPRESS):
        return password, stored
    # WordPress trims passwords when they are set and when they are typed.
    mac = hmac.digest(WORDPRESS_KEY, password.strip(PHP_SPACE).encode(), "sha384")
    return base64.b64encode(mac).decode("ascii"), stored.removeprefix(WORDPRESS)
