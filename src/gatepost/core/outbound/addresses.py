"""Which IP addresses are on the public internet.

`ipaddress.is_global` alone is not enough: it is true for multicast, and for IPv6 addresses behind which an IPv4 address
stands that may be anything.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Beside all that is not global: protocol assignments (RFC 6890), of which some are; relays of 6to4 (RFC 7526).
SPECIAL_V4 = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
# Global unicast addresses are in one block (RFC 4291, section 2.4). So IPv4-compatible addresses (`::/96`) and those of
# NAT64 (`64:ff9b::/96`, RFC 6052) are not in it.
UNICAST_V6 = IPv6Network("2000::/3")
# In that block: protocol assignments with Teredo (RFC 2928, 4380), 6to4 (RFC 3056), documentation (RFC 3849, 9637).
SPECIAL_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, whatever it is written as; what is no address is not."""
    try:
        address = _plain(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in SPECIAL_V4)
    return address in UNICAST_V6 and address.is_global and not any(address in net for net in SPECIAL_V6)


def is_loopback(text: str) -> bool:
    """Whether an address is of this machine."""
    try:
        return _plain(text).is_loopback
    except ValueError:
        return False


def _plain(text: str) -> IPv4Address | IPv6Address:
    """Read an address; an IPv4 address in IPv6 (`::ffff:0:0/96`) is the IPv4 address."""
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
