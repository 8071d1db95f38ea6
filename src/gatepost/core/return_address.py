"""Where a page may send a person afterwards: a path of ours, or an app of an allowed origin."""

from gatepost.core.origins import TrustedOrigins, is_misread, origin_of

LONGEST = 2048


def safe_return(address: str | None, *, origins: TrustedOrigins) -> str | None:
    """Return the address if a page may lead there, else None: no other site ever learns who signed in here."""
    if not address or len(address) > LONGEST or is_misread(address):
        return None
    if address.startswith("/"):
        return None if address.startswith("//") else address
    try:
        return address if origin_of(address) in origins else None
    except ValueError:
        return None
