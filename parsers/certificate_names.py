"""Whether a certificate is good for a host, and whether the names in it keep to an authority's name constraints.

Source: Go 1.26 crypto/x509, verify.go (VerifyHostname, HostnameError) and constraints.go. Constraints on URIs and mail
addresses are not looked at: a server's certificate has neither.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from parsers.facts.certificates import CertificateInfo

_LABEL: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]*+")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def matches_host(certificate: CertificateInfo, host: str) -> bool:
    """Whether the certificate's alternative names hold a host name or an address; the common name never counts."""
    bare = host[1:-1] if len(host) >= 3 and host[0] == "[" and host[-1] == "]" else host
    address = _address(bare)
    if address is not None:
        return any(_address(one) == address for one in certificate.ip_addresses)
    return any(_matches_name(pattern, host) for pattern in certificate.dns_names)


def needs_alternative_names(certificate: CertificateInfo, host: str, *, has_alternative_names: bool) -> bool:
    """Whether it would be good for the host if the common name still counted."""
    return not has_alternative_names and _matches_pattern(certificate.common_name, host)


def keeps_to(
    certificate: CertificateInfo,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    networks: tuple[tuple[Network, ...], tuple[Network, ...]],
) -> bool:
    """Whether all names keep to an authority's constraints: (permitted, excluded) names and networks."""
    permitted_names, excluded_names = names
    permitted_networks, excluded_networks = networks
    for name in certificate.dns_names:
        if permitted_names and not any(_is_within(name, one) for one in permitted_names):
            return False
        if any(_is_within(name, one) or _covers(name, one) for one in excluded_names):
            return False
    for text in certificate.ip_addresses:
        address = _address(text)
        if permitted_networks and not _is_in(address, permitted_networks):
            return False
        if _is_in(address, excluded_networks):
            return False
    return True


def _matches_name(pattern: str, host: str) -> bool:
    if _is_valid(host, is_pattern=False) and _is_valid(pattern, is_pattern=True):
        return _matches_pattern(pattern, host)
    return pattern not in ("", ".") and pattern.lower() == host.lower()


def _matches_pattern(pattern: str, host: str) -> bool:
    """Label by label; a first label of `*` stands for any one."""
    labels, wanted = pattern.lower().split("."), host.removesuffix(".").lower().split(".")
    if not pattern or not host or len(labels) != len(wanted):
        return False
    return labels[1:] == wanted[1:] and labels[0] in ("*", wanted[0])


def _is_valid(name: str, *, is_pattern: bool) -> bool:
    name = name if is_pattern else name.removesuffix(".")
    if not name or name == "*":
        return False
    labels = name.split(".")
    if is_pattern and labels[0] == "*":
        labels = labels[1:]
    return all(_LABEL.fullmatch(label) for label in labels)


def _is_within(name: str, constraint: str) -> bool:
    """Whether a name is the constraint's domain or below it; with a leading dot only below."""
    name, constraint = name.lower(), constraint.lower()
    if constraint.startswith("."):
        return name.endswith(constraint)
    return not constraint or name == constraint or name.endswith(f".{constraint}")


def _covers(name: str, constraint: str) -> bool:
    """Whether a wildcard stands for the excluded name, too."""
    return name.startswith("*.") and "." in constraint and name[2:].lower() == constraint.lower().partition(".")[2]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_in(address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, networks: Iterable[Network]) -> bool:
    return address is not None and any(address in network for network in networks)
