"""What proxies in front ask, and whose word on the address of a client is believed."""

import ipaddress
from collections.abc import Iterator, Sequence

# Asked about requests of others: what it gets is as they sent it, but for the path.
CHECK_PATH = "/api/auth/check"


def trusted_proxies(proxies: Sequence[str]) -> list[str]:
    """Return the proxies as uvicorn is to know them: IPv4 ones also as a socket for both kinds shows them."""
    return [form for proxy in proxies for form in _forms(proxy)]


def _forms(proxy: str) -> Iterator[str]:
    yield proxy
    network = ipaddress.ip_network(proxy)
    if isinstance(network, ipaddress.IPv4Network):
        yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"
