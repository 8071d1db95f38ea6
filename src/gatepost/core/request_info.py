"""What the network tells about the sender of a request."""

import ipaddress
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

# The network that one subscriber has.
IPV6_NETWORK_BITS = 64
# Waits until the client of the current request has closed its connection; None outside requests.
client_disconnected: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("client_disconnected", default=None)


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """A request and the device that sends it.

    `address` is IPv4 or IPv6 text, empty if unknown; `user_agent` has at most 255 characters; `language` is a tag such
    as `de-AT`, empty if the client prefers none; `request_id` is the one in the log.
    """

    address: str = ""
    user_agent: str = ""
    language: str = ""
    request_id: str = ""


@lru_cache(maxsize=4096)
def canonical_address(text: str) -> str:
    """Return an IP address in canonical form, mapped IPv4 addresses as IPv4; empty if it is not an address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def network(address: str, *, ipv6_bits: int = IPV6_NETWORK_BITS) -> str:
    """Return the network of one subscriber: an IPv4 address, or an IPv6 network of `ipv6_bits`; empty if invalid."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((parsed, ipv6_bits), strict=False))
