"""Who sends a request, as far as the network tells."""

import ipaddress
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

# One subscriber has all of it.
IPV6_NETWORK_BITS = 64
# Waits until the client of the request that is being served has closed its connection; None outside of requests.
client_disconnected: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("client_disconnected", default=None)


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """A device and its request.

    `address` is IPv4 or IPv6 text, empty where unknown; `user_agent` has at most 255 characters; `language` is a tag
    such as `de-AT`, empty where none is asked for; `request_id` is the one in the log.
    """

    address: str = ""
    user_agent: str = ""
    language: str = ""
    request_id: str = ""


@lru_cache(maxsize=4096)
def canonical_address(text: str) -> str:
    """Return an IP address in its one form, IPv4 also where it came as IPv6; empty where it is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def network(address: str, *, ipv6_bits: int = IPV6_NETWORK_BITS) -> str:
    """Return what one subscriber has: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((parsed, ipv6_bits), strict=False))
