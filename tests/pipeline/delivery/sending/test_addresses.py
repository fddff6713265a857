"""Which addresses may be connected to."""

from __future__ import annotations

import ipaddress

import pytest

from pipeline.delivery.sending.addresses import MAX_ADDRESSES, AddressForbiddenError, AddressGuard, is_public

FORBIDDEN = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "100.100.100.200", "192.0.0.1", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip
ALLOWED = ["1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111",
           "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]  # fmt: skip


def _kept(address: str, *networks: str) -> tuple[str, ...]:
    guard = AddressGuard(map(ipaddress.ip_network, networks), lambda host, port: [address])
    return guard.addresses_of("receiver.example", 443)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_is_forbidden(address: str) -> None:
    """Loopback, private, local, shared, reserved, groups, and IPv6 addresses that stand for one of those."""
    with pytest.raises(AddressForbiddenError) as caught:
        _kept(address)
    assert address not in str(caught.value)


@pytest.mark.parametrize("address", ALLOWED)
def test_is_allowed(address: str) -> None:
    """What may be anywhere on the internet."""
    assert (address,) == _kept(address)


NETWORKS = {
    "its network": ("10.1.2.3", "10.1.0.0/16", True),
    "another network": ("10.2.2.3", "10.1.0.0/16", False),
    "of the address that it stands for": ("::ffff:10.1.2.3", "10.1.0.0/16", True),
    "ULA": ("fd00::1", "fd00::/8", True),
    "another family": ("fd00::1", "0.0.0.0/0", False),
}


@pytest.mark.parametrize(("address", "network", "is_allowed"), NETWORKS.values(), ids=NETWORKS)
def test_networks_of_the_settings(address: str, network: str, is_allowed: bool) -> None:
    """Allow what is in them, and nothing else."""
    if is_allowed:
        assert (address,) == _kept(address, network)
    else:
        with pytest.raises(AddressForbiddenError):
            _kept(address, network)


def test_a_name_with_good_and_bad_addresses_has_the_good_ones() -> None:
    """In their order, once each, and not without end."""
    found = ["10.0.0.1", "1.1.1.1", "1.1.1.1", *(f"8.8.8.{number}" for number in range(9))]
    guard = AddressGuard((), lambda host, port: found)

    assert ("1.1.1.1", "8.8.8.0", "8.8.8.1", "8.8.8.2") == guard.addresses_of("receiver.example", 443)
    assert 4 == MAX_ADDRESSES


def test_ways_to_write_loopback_lead_to_loopback() -> None:
    """The system reads 2130706433 and 0x7f.1 as addresses: what counts is what it makes of them."""
    for written in ("2130706433", "0x7f.1", "127.1", "localhost"):
        with pytest.raises(AddressForbiddenError):
            AddressGuard(()).addresses_of(written, 80)


def test_every_address_of_the_internet_is_public_or_not() -> None:
    """No address breaks the check."""
    for number in range(0, 1 << 32, (1 << 32) // 997):
        assert is_public(ipaddress.IPv4Address(number)) in (True, False)
