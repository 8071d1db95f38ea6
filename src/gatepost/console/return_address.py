"""Where a page may send a person afterwards: a path of ours, or an app of an allowed origin."""

from collections.abc import Collection
from urllib.parse import urlsplit

LONGEST = 2048


def origin_of(url: str) -> str | None:
    """Return scheme, host and port of a web address as browsers write an origin, or None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


def safe_return(address: str | None, *, origins: Collection[str]) -> str | None:
    """Return the address if a page may lead there, else None: no other site ever learns who signed in here.

    Browsers drop tabs and line breaks and read `\\` as `/`, so an address with any of them is refused.
    """
    if not address or len(address) > LONGEST:
        return None
    if "\\" in address or any(ord(character) <= ord(" ") or character == "\x7f" for character in address):
        return None
    if address.startswith("/"):
        return None if address.startswith("//") else address
    return address if origin_of(address) in origins else None
