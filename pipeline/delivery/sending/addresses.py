"""Which network addresses may be connected to: a receiver's name must not lead into the own network by accident.

Whoever controls a name that a receiver is reached under could point it at a metadata service or at something that
trusts its neighbours. So an address is checked after the name was looked up, and that very address is connected to.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Lookup = Callable[[str, int], Sequence[str]]

MAX_ADDRESSES = 4
"""Of a name, that are tried in one attempt."""

_SHARED = IPv4Network("100.64.0.0/10")  # RFC 6598: between a provider and its customers; cloud services use it, too
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # RFC 6052, RFC 8215
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, 2.5.5.1: an IPv4 address in the last four bytes
_SITE_LOCAL = IPv6Network("fec0::/10")  # RFC 3879: outdated, and still routed inside of networks


class AddressForbiddenError(Exception):
    """Nothing that the name stands for may be connected to."""


class NameUnknownError(Exception):
    """The name stands for no address."""


class AddressGuard:
    """Looks names up, and lets those addresses through that may be connected to."""

    def __init__(self, allowed: Iterable[Network], lookup: Lookup | None = None) -> None:
        """Set up the guard.

        Args:
            allowed: Networks that may be connected to although they are private.
            lookup: Name and port to addresses; None: the system's.
        """
        self._allowed = tuple(allowed)
        self._lookup = lookup or look_up

    def addresses_of(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses to try, in this order.

        Raises:
            NameUnknownError: There is none.
            AddressForbiddenError: There are some, and none is allowed.
        """
        found = self._lookup(host, port)
        kept = tuple(dict.fromkeys(each for each in found if self._may_connect(ipaddress.ip_address(each))))
        if not kept:
            raise AddressForbiddenError("every address of the receiver is private or reserved; see allow_networks")
        return kept[:MAX_ADDRESSES]

    def _may_connect(self, address: Address) -> bool:
        """Where an address stands for another one, that one counts: it is where the packets end."""
        if self._is_allowed(address):
            return True
        inner = embedded(address)
        return all(is_public(each) or self._is_allowed(each) for each in inner) if inner else is_public(address)

    def _is_allowed(self, address: Address) -> bool:
        return any(address in network for network in self._allowed)


def look_up(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a name, as the system prefers them; of an address, itself.

    Raises:
        NameUnknownError: The name has none, or nobody could be asked.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameUnknownError(getattr(error, "strerror", None) or "the name is none") from error
    return tuple(str(address[0]).partition("%")[0] for *_, address in found)


def is_public(address: Address) -> bool:
    """Whether the address may be anywhere on the internet: not private, local, shared, reserved, or of a group."""
    return not (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or (address.version == 4 and address in _SHARED)
        or (address.version == 6 and address in _SITE_LOCAL)
    )


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """IPv4 addresses that an IPv6 address stands for: mapped, compatible, NAT64, 6to4."""
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour]
    if address in _COMPATIBLE or any(address in network for network in _NAT64):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(each for each in found if each is not None)
