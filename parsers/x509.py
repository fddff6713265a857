"""Public certificates: PEM, DER or base64 of either -> CertificateInfo.

What is no certificate is told as data (`BrokenCertificate`), never raised; private keys are stepped over.
As in Go (AppendCertsFromPEM) text around PEM blocks does not matter, blocks of another kind or with headers are passed
over, and a block that cannot be read does not keep the next one from being read.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from parsers.facts.certificates import CertificateInfo
from parsers.text import scrub

if TYPE_CHECKING:
    from cryptography import x509

MAX_CERTIFICATES: Final = 500
"""Of one bundle: the public roots of a browser are about 150."""

_MAX_TEXT_CHARS: Final = 1_024
_MAX_NAMES: Final = 200
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(?P<body>[^-:]{0,200000}+)-----END CERTIFICATE-----")
_DER_START: Final = b"\x30"


class BrokenCertificate(msgspec.Struct, frozen=True):
    """A certificate that could not be read."""

    position: int  # among the certificates of its source, from 0
    why: str


class CertificateBundle(msgspec.Struct, frozen=True):
    """What one source held, in its order."""

    certificates: tuple[CertificateInfo, ...] = ()
    broken: tuple[BrokenCertificate, ...] = ()


def read_certificates(source: bytes) -> CertificateBundle:
    """Read the certificates of PEM or DER bytes."""
    if source[:1] == _DER_START and b"-----BEGIN" not in source:
        return _read_ders([source])
    bodies = islice(_PEM.finditer(source), MAX_CERTIFICATES)
    return _read_ders([_decode(match["body"]) for match in bodies])


def read_base64(encoded: object) -> CertificateBundle:
    """Read the certificates of base64 of PEM or DER, as in `caBundle` and in a Secret; plain PEM is taken, too."""
    if not isinstance(encoded, str | bytes) or not encoded:
        return CertificateBundle()
    source = encoded.encode(errors="replace") if isinstance(encoded, str) else encoded
    if b"-----BEGIN" in source:
        return read_certificates(source)
    decoded = _decode(source)
    if decoded is None:
        return CertificateBundle(broken=(BrokenCertificate(0, "it is not base64"),))
    return read_certificates(decoded)


def _read_ders(ders: list[bytes | None]) -> CertificateBundle:
    certificates: list[CertificateInfo] = []
    broken: list[BrokenCertificate] = []
    for position, der in enumerate(ders):
        found = "its PEM block is not base64" if der is None else _read_der(der)
        if isinstance(found, CertificateInfo):
            certificates.append(found)
        else:
            broken.append(BrokenCertificate(position, found))
    return CertificateBundle(tuple(certificates), tuple(broken))


def _decode(encoded: bytes) -> bytes | None:
    try:
        return base64.b64decode(b"".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=2_000)
def _read_der(der: bytes) -> CertificateInfo | str:
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a serial number of zero and the like: odd, and still a certificate
            return _info_of(x509.load_der_x509_certificate(der), der)
    except (ValueError, TypeError, OverflowError, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        return scrub(str(error))[:_MAX_TEXT_CHARS] or type(error).__name__


def _info_of(certificate: x509.Certificate, der: bytes) -> CertificateInfo:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    common_names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    names = _alternative_names(certificate)
    return CertificateInfo(
        subject=_text(certificate.subject.rfc4514_string()),
        issuer=_text(certificate.issuer.rfc4514_string()),
        common_name=_text(str(common_names[-1].value)) if common_names else "",
        serial_number=str(certificate.serial_number),
        not_before=_time(certificate.not_valid_before_utc),
        not_after=_time(certificate.not_valid_after_utc),
        dns_names=tuple(_text(name) for name in names.get_values_for_type(x509.DNSName)[:_MAX_NAMES]) if names else (),
        ip_addresses=tuple(str(ip) for ip in names.get_values_for_type(x509.IPAddress)[:_MAX_NAMES]) if names else (),
        is_ca=_is_ca(certificate),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        der=der,
    )


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return None


def _is_ca(certificate: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return False


def _text(value: str) -> str:
    return scrub(value[:_MAX_TEXT_CHARS])


def _time(at: datetime) -> datetime:
    return at.astimezone(UTC)
