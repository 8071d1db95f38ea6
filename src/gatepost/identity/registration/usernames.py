"""User names for people who have not chosen one."""

import secrets
from collections.abc import Iterator

from gatepost.identity.accounts.names import LONGEST_USERNAME, Name, parse_username

# What everybody can be called from whose names nothing can be made.
FALLBACK = "user"
# Enough that a second try is rare for a name that a million people have.
DIGITS = 8
TRIES = 4


def suggestions(*hints: str | None) -> Iterator[Name]:
    """Yield user names made from hints, the best first: each as it is, then the first usable one with random digits.

    Of an address, what stands before the @ is used. What cannot be a user name is left out.
    """
    plain = [name for name in map(_read, hints) if name is not None]
    yield from plain
    for _ in range(TRIES):
        tail = f"-{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        stems = [name.display[: LONGEST_USERNAME - len(tail)].rstrip(" ") for name in plain]
        # A name can lose its meaning where it is cut, and not every script stands beside these digits.
        yield next(filter(None, (_read(stem + tail) for stem in [*stems, FALLBACK])))


def _read(hint: str | None) -> Name | None:
    try:
        return parse_username((hint or "").partition("@")[0])
    except ValueError:
        return None
