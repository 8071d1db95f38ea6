"""The languages that mails are written in."""

SUPPORTED = ("en", "de")


def choose(tag: str, *, default: str) -> str:
    """Return the supported language for a tag such as `de-AT` (RFC 5646), else the default."""
    primary = tag.partition("-")[0].lower()
    return primary if primary in SUPPORTED else default
