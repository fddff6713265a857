"""Certificates for tests, with fixed keys."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from parsers.failures import FailureFinder
from parsers.rules.loader import load_rules

FINDER = FailureFinder(load_rules(()))


@cache
def certificate_pem(name: str, *hosts: str) -> bytes:
    """A self-signed certificate."""
    return certificate(name, *hosts).public_bytes(serialization.Encoding.PEM)


@cache
def certificate(name: str, *hosts: str) -> x509.Certificate:
    """A self-signed certificate for some hosts, valid during 2026."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(key, None)
