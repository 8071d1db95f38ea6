"""The languages that mails and pages are written in."""

from typing import Literal, get_args

Language = Literal["en", "de"]
SUPPORTED: tuple[str, ...] = get_args(Language)


def choose(tag: str, *, default: str) -> str:
    """Return the supported language for a tag such as `de-AT` (RFC 5646), else the default."""
    primary = tag.partition("-")[0].lower()
    return primary if primary in SUPPORTED else default
