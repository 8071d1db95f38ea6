"""Prepares, hashes and checks passwords. The only file that imports passlib."""

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

# RFC 8265, section 4.2: any script, normalized to NFC, not trimmed, no case mapping, no control characters.
PROFILE = get_profile("OpaqueString")
LONGEST = 1024
CHEAPEST_ROUNDS = 4
# Stored for an account without a password; no password matches it.
UNUSABLE_HASH = "!"
OURS = "bcrypt_sha256"
OURS_PREFIX = "$bcrypt-sha256$"
# Hashes of earlier systems; they are checked, and replaced at the next sign-in.
IMPORTED = ("bcrypt", "django_pbkdf2_sha256", "phpass", "argon2")
PHPASS_LENGTH = 34
BCRYPT = re.compile(r"\$2[aby]\$")
# WordPress 6.8: `wp_hash_password` applies a MAC before bcrypt, so that bcrypt's limit of 72 bytes does not matter.
WORDPRESS, WORDPRESS_KEY = "$wp", b"wp-sha384"
PHP_SPACE = " \n\r\t\v\0"
# Our JSON parser refuses them, and bcrypt supports neither.
UNHASHABLE = re.compile("[\x00\ud800-\udfff]")
# Checked in place of a text that cannot be a password.
SOMETHING = ("somebody's",)
# A check of a more expensive hash would block a thread for many seconds, or exhaust the machine's memory.
DEAREST_ROUNDS = {
    "bcrypt_sha256": 16, "bcrypt": 16, "django_pbkdf2_sha256": 5_000_000, "phpass": 20, "argon2": 32,
}  # fmt: skip
MOST_ARGON2_KIB = 1024 * 1024
# passlib's names of the options that determine the cost of a check.
COSTS = ("rounds", "memory_cost", "parallelism", "type")
KNOWN = CryptContext([OURS, *IMPORTED])


class UnusablePasswordError(ValueError):
    """The text cannot be a password: it is empty, or has control characters or half a surrogate pair."""


class UnknownHashError(ValueError):
    """No password can be checked against the hash; the message says why and never quotes it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check: whether the password is right, and whether a stronger hash should replace its hash."""

    is_right: bool
    needs_rehash: bool = False


def prepare(password: str) -> str:
    """Return the password in the form that is hashed (PRECIS OpaqueString).

    Raises:
        UnusablePasswordError: the text cannot be a password.
    """
    try:
        return PROFILE.enforce(password)
    except UnicodeEncodeError as error:
        raise UnusablePasswordError("it is empty or holds a control character") from error


def require_known_hash(stored: str) -> None:
    """Check that passwords can be verified against a hash from an earlier system.

    Supported are bcrypt (`$2a$`, `$2b$`, `$2y$`, and WordPress' `$wp$2y$`), bcrypt over SHA-256, Django's
    `pbkdf2_sha256$`, phpass (`$P$`, `$H$`), and argon2.

    Raises:
        UnknownHashError: it is none of these, is truncated, too expensive, or needs a package that is not installed.
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
    # passlib does not check the length of a phpass hash.
    if not parts.checksum or (handler.name == "phpass" and len(stored) != PHPASS_LENGTH):
        raise UnknownHashError("the password hash is cut off or malformed")
    if parts.rounds > DEAREST_ROUNDS[handler.name] or getattr(parts, "memory_cost", 0) > MOST_ARGON2_KIB:
        raise UnknownHashError("checking the password hash would take too long")


@dataclass(frozen=True, slots=True)
class HashKind:
    """The cost of checking a password against a hash: the scheme, and the options that determine the cost.

    bcrypt and bcrypt over SHA-256 count as one scheme; each round doubles its work.
    """

    scheme: str
    options: tuple[tuple[str, Any], ...]

    @property
    def bcrypt_rounds(self) -> int | None:
        """The rounds of bcrypt; None for other schemes."""
        return dict(self.options)["rounds"] if self.scheme == "bcrypt" else None


class Passwords:
    """Hashes and checks passwords on separate threads, so that the event loop never waits.

    New hashes use bcrypt_sha256, because bcrypt alone ignores everything after 72 bytes. Hashes from earlier systems
    are checked and marked for replacement.

    Every check does the work of all kinds of hashes that accounts have. So its duration reveals neither whether the
    account exists nor how old its password is.
    """

    def __init__(self, *, rounds: int, queue: int, queue_seconds: float = 5.0) -> None:
        self._context = CryptContext([OURS, *IMPORTED], deprecated=[*IMPORTED], bcrypt_sha256__rounds=rounds)
        self.line = HashingPool(queue=queue, queue_seconds=queue_seconds)
        self._rounds = self._dearest_rounds = rounds
        # For each kind other than bcrypt, a hash that no password matches.
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
        """Check a password. Without a stored hash, do the same work and report a wrong password.

        An unusable password or a malformed stored hash also counts as a wrong password, after the same work.

        Raises:
            HashingBusy: the queue is full.
        """
        return await self.line.run(partial(self._check, password, stored or UNUSABLE_HASH), asker)

    async def expect(self, examples: Iterable[str]) -> None:
        """From now on do the work of the kinds of these hashes, and of no other kind."""
        await self.line.run(partial(self._expect, tuple(examples)))

    def close(self) -> None:
        """Stop the threads."""
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
        # A password that `prepare` refuses keeps its old hash.
        is_old = fits != prepared or stored.startswith(WORDPRESS) or self._context.needs_update(stored)
        return Verdict(is_right=True, needs_rehash=prepared is not None and is_old)

    def _try(self, forms: Iterable[str], stored: str) -> tuple[str | None, int]:
        """Return the form of the password that matches, if any, and the number of checks made."""
        checked = 0
        for form in forms:
            try:
                is_right = self._context.verify(*_unwrapped(form, stored))
            except (ValueError, TypeError, PasslibSecurityError, MissingBackendError):
                return None, checked  # the stored hash is malformed
            checked += 1
            if is_right:
                return form, checked
        return None, checked

    def _work_off(self, kind: HashKind | None, checked: int, forms: Sequence[str]) -> None:
        """Do the remaining work of checking all forms against every kind; `checked` of them were done for one kind.

        Uses the forms themselves, because the work of some kinds grows with the length of the password.
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
        """Return a bcrypt_sha256 hash with these rounds that no password matches."""
        return self._cheap_hash.replace(f"r={CHEAPEST_ROUNDS}$", f"r={rounds}$")

    def _kind(self, stored: str) -> HashKind | None:
        """Return the kind of a stored hash; None if no password can be checked against it."""
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
            with suppress(MissingBackendError):  # such a hash is never checked, so it costs no work
                nobodys = handler.using(**dict(kind.options)).hash(secrets.token_hex())
                self._other_kinds = {**self._other_kinds, kind: nobodys}

    def _expect(self, examples: Iterable[str]) -> None:
        kinds = {kind for example in examples if (kind := self._kind(example)) is not None}
        self._other_kinds = {kind: nobodys for kind, nobodys in self._other_kinds.items() if kind in kinds}
        self._dearest_rounds = max([self._rounds, *(kind.bcrypt_rounds or 0 for kind in kinds)])
        for kind in kinds:
            self._add_kind(kind)


def _forms(password: str) -> tuple[str | None, Sequence[str]]:
    """Return the prepared password, or None, and the forms to check: the prepared one, and the text as typed.

    Earlier systems hashed the text as typed, including tabs and emoji of several characters.
    """
    if not password or len(password) > LONGEST:
        return None, ()
    try:
        prepared = prepare(password)
    except UnusablePasswordError:
        return None, () if UNHASHABLE.search(password) else (password,)
    return prepared, (prepared,) if prepared == password else (prepared, password)


def _unwrapped(password: str, stored: str) -> tuple[str, str]:
    """Return the password and hash for bcrypt if the hash is of WordPress; otherwise both unchanged."""
    if not stored.startswith(WORDPRESS):
        return password, stored
    # WordPress trims passwords when they are set and when they are typed.
    mac = hmac.digest(WORDPRESS_KEY, password.strip(PHP_SPACE).encode(), "sha384")
    return base64.b64encode(mac).decode("ascii"), stored.removeprefix(WORDPRESS)
