"""The request that a reverse proxy asks about before it lets it through, as far as its headers tell."""

from collections.abc import Iterable

from gatepost.access.errors import OriginalRequestUnclear
from gatepost.sessions.cookies import SAFE_METHODS

# nginx; Traefik and Caddy.
METHODS = ("x-original-method", "x-forwarded-method")
ADDRESSES = ("x-original-uri", "x-forwarded-uri")


def may_change_something(method: str, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether the original request may change something, which it does unless the proxy says that it only looks.

    `method` is that by which the proxy asks, and the names of the headers are in small letters.

    Nothing that these headers say makes a request of ours pass: they are read for this question alone, whose answer
    is of use to nobody but the proxy that asks. Where it lets those of its clients through, they can only contradict.

    Raises:
        OriginalRequestUnclear: they name two methods or two addresses.
    """
    said = list(headers)
    methods, addresses = ({value for name, value in said if name in names} for names in (METHODS, ADDRESSES))
    if len(methods) > 1 or len(addresses) > 1:
        raise OriginalRequestUnclear
    # A proxy that asks with the method of the original is taken at its word too, but a GET may be only how it asks.
    return not methods or not methods <= SAFE_METHODS or method not in SAFE_METHODS
