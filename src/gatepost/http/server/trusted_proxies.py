"""The path that proxies ask about requests, and the proxies whose X-Forwarded-* headers are trusted."""

import ipaddress
from collections.abc import Iterator, Sequence

# Forward authentication: proxies pass on the original request, except for its path.
CHECK_PATH = "/api/auth/check"


def trusted_proxies(proxies: Sequence[str]) -> list[str]:
    """Return the proxies for uvicorn: IPv4 ones also as mapped IPv6 addresses, as a dual-stack socket reports them."""
    return [form for proxy in proxies for form in _forms(proxy)]


def _forms(proxy: str) -> Iterator[str]:
    yield proxy
    network = ipaddress.ip_network(proxy)
    if isinstance(network, ipaddress.IPv4Network):
        yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"
