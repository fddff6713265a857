"""Certificates: public ones as they are, those of Secrets, and what cert-manager says about its own."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef


class CertificateInfo(msgspec.Struct, frozen=True):
    """A public certificate: names, validity, and the DER itself for the verification of chains."""

    subject: str  # RFC 4514
    issuer: str
    common_name: str
    serial_number: str  # decimal
    not_before: datetime
    not_after: datetime
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    is_ca: bool
    sha256: str  # hexadecimal, of the DER
    der: bytes


class SecretFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Secret's public certificates; nothing else of it is ever kept."""

    ref: ObjectRef
    created_at: datetime | None = None
    changed_at: datetime | None = None
    certificates: tuple[CertificateInfo, ...] = ()  # of tls.crt, leaf first
    authorities: tuple[CertificateInfo, ...] = ()  # of ca.crt


class CertManagerCertificateFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Certificate of cert-manager.io."""

    ref: ObjectRef
    secret_name: str = ""
    dns_names: tuple[str, ...] = ()
    not_before: datetime | None = None  # of the certificate that was issued last
    not_after: datetime | None = None
    renewal_at: datetime | None = None
    revision: int | None = None
    conditions: tuple[ConditionFacts, ...] = ()
