"""A certificate as the building of a path needs it: names as bytes, key, extensions, signature.

Source: Go 1.26 crypto/x509, parser.go and x509.go (CheckSignatureFrom, checkSignature), verify.go (alreadyInChain).
"""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Iterable
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from parsers.certificate_names import Network, keeps_to
from parsers.facts.certificates import CertificateInfo

_WEAK_HASHES: Final = (hashes.MD5, hashes.SHA1)
_LEAST_RSA_BITS: Final = 1024
_HANDLED: Final = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.SubjectAlternativeName,
    x509.NameConstraints,
    x509.ExtendedKeyUsage,
    x509.CertificatePolicies,
    x509.PolicyConstraints,
    x509.InhibitAnyPolicy,
    x509.CRLDistributionPoints,
)
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class Node:
    """A certificate on a path. `is_readable` is False where Go would not even parse it."""

    def __init__(self, facts: CertificateInfo) -> None:
        self.facts = facts
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a serial number of zero and the like
            self._parsed = x509.load_der_x509_certificate(facts.der)
            self.subject = self._parsed.subject.public_bytes()
            self.issuer = self._parsed.issuer.public_bytes()
            try:
                self._extensions = tuple(self._parsed.extensions)
                self._key = self._parsed.public_key()
                self._key_bytes = self._key.public_bytes(
                    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
                )
                self.is_readable = True
            except (ValueError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType, x509.DuplicateExtension):
                self._extensions, self.is_readable = (), False

    @property
    def has_alternative_names(self) -> bool:
        """Whether it has the extension, whatever is in it."""
        return self._find(x509.SubjectAlternativeName) is not None

    @property
    def is_authority(self) -> bool:
        """Whether it says so itself."""
        constraints = self._find(x509.BasicConstraints)
        return constraints is not None and constraints.ca

    @property
    def max_path_length(self) -> int | None:
        """How many intermediate certificates may stand between it and the leaf."""
        constraints = self._find(x509.BasicConstraints)
        return constraints.path_length if constraints is not None else None

    @property
    def has_unhandled_critical(self) -> bool:
        """Whether it holds a critical extension that Go does not know."""
        return any(one.critical and not isinstance(one.value, _HANDLED) for one in self._extensions)

    @property
    def may_sign(self) -> bool:
        """Whether it may sign certificates: one of version 1 may, and so may one without key usage."""
        constraints = self._find(x509.BasicConstraints)
        if constraints is None and self._parsed.version is x509.Version.v3:
            return False
        if constraints is not None and not constraints.ca:
            return False
        usage = self._find(x509.KeyUsage)
        return usage is None or usage.key_cert_sign or not _has_any_usage(usage)

    @property
    def allows_servers(self) -> bool:
        """Whether its extended key usage, if it has one, takes servers in."""
        usages = self._find(x509.ExtendedKeyUsage)
        wanted = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
        return usages is None or any(usage in wanted for usage in usages)

    def permits_names_of(self, other: Node) -> bool:
        """Whether its name constraints, if it has some, let the names of another pass."""
        constraints = self._find(x509.NameConstraints)
        if constraints is None or not other.has_alternative_names:
            return True
        permitted, excluded = constraints.permitted_subtrees or (), constraints.excluded_subtrees or ()
        names = (_names_of(permitted), _names_of(excluded))
        return keeps_to(other.facts, names, (_networks_of(permitted), _networks_of(excluded)))

    def is_same_as(self, other: Node) -> bool:
        """Whether both have one subject, one key and the same alternative names: one of them on a path is enough."""
        if self.subject != other.subject or self._key_bytes != other._key_bytes:
            return False
        return self._find(x509.SubjectAlternativeName) == other._find(x509.SubjectAlternativeName)

    def key_id_distance(self, child: Node) -> int:
        """How far its key identifier is from the one that the child names: 0 the same, 1 one is missing, 2 another."""
        subject = self._find(x509.SubjectKeyIdentifier)
        authority = child._find(x509.AuthorityKeyIdentifier)
        own = subject.digest if subject is not None else b""
        wanted = (authority.key_identifier if authority is not None else None) or b""
        return 0 if own == wanted else 1 if not own or not wanted else 2

    def has_signed(self, child: Node) -> bool:
        """Whether its key has signed the child, with a hash that Go still takes."""
        key = self._key
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
            return False
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
            return False
        try:
            if isinstance(child._parsed.signature_hash_algorithm, _WEAK_HASHES):
                return False
            child._parsed.verify_directly_issued_by(self._parsed)
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
            return False
        return True

    def _find(self, kind: type[_Extension]) -> _Extension | None:
        return next((one.value for one in self._extensions if isinstance(one.value, kind)), None)


def _has_any_usage(usage: x509.KeyUsage) -> bool:
    return any(
        (
            usage.digital_signature,
            usage.content_commitment,
            usage.key_encipherment,
            usage.data_encipherment,
            usage.key_agreement,
            usage.crl_sign,
        )
    )


def _names_of(subtrees: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    return tuple(name.value for name in subtrees if isinstance(name, x509.DNSName))


def _networks_of(subtrees: Iterable[x509.GeneralName]) -> tuple[Network, ...]:
    networks = (name.value for name in subtrees if isinstance(name, x509.IPAddress))
    return tuple(one for one in networks if isinstance(one, ipaddress.IPv4Network | ipaddress.IPv6Network))
