"""Which addresses are of the public internet."""

import pytest

from gatepost.core.outbound.addresses import is_loopback, is_public

INSIDE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1",
    "5f00::1", "fc00::1", "fd12:3456:789a::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "1.1.1.1", "99.255.255.255", "100.128.0.1", "172.32.0.1", "::ffff:8.8.8.8", "2606:4700::1111"]
NO_ADDRESSES = ["", "localhost", "127.1", "0x7f000001", "017700000001", "8.8.8.8.", "[::1]", "8.8.8.8/32", "1.2.3"]


@pytest.mark.parametrize("address", [*INSIDE, *NO_ADDRESSES])
def test_address_that_may_lead_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_loopback_is_this_machine_alone() -> None:
    said = {address: is_loopback(address) for address in [*INSIDE, *OUTSIDE, *NO_ADDRESSES]}

    here = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]
    assert [address for address, is_here in said.items() if is_here] == here
