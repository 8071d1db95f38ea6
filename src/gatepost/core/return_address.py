"""Checks where a page may redirect to afterwards: one of our paths, or an app on an allowed origin."""

from gatepost.core.origins import TrustedOrigins, is_misread, origin_of

LONGEST = 2048


def safe_return(address: str | None, *, origins: TrustedOrigins) -> str | None:
    """Return the address if a page may redirect there, else None; other sites must not learn who signed in here."""
    if not address or len(address) > LONGEST or is_misread(address):
        return None
    if address.startswith("/"):
        return None if address.startswith("//") else address
    try:
        return address if origin_of(address) in origins else None
    except ValueError:
        return None
