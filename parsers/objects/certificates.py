"""Certificates: those that Secrets and ConfigMaps publish, and what cert-manager says about its own.

Of a Secret only the public certificates are kept, decoded and taken apart. Keys, other members and whatever else a PEM
file holds are never copied.
Sources: k8s.io/api v0.30 core/v1 (`tls.crt`, `ca.crt`); Istio 1.24 security/pkg/pki/ca (`ca-cert.pem`,
`cert-chain.pem`, `root-cert.pem`); cert-manager v1.16 pkg/apis/certmanager/v1/types_certificate.go.
"""

from __future__ import annotations

from parsers.facts.certificates import CertificateInfo, CertManagerCertificateFacts, SecretFacts
from parsers.objects.members import (
    Object,
    changed_at_of,
    conditions_at,
    created_at_of,
    number_at,
    object_at,
    ref_of,
    text_at,
    texts_at,
    time_at,
)
from parsers.x509 import read_base64, read_certificates

_SERVED = ("tls.crt", "cert-chain.pem", "server.crt", "server-cert.pem", "cert.pem")
_AUTHORITIES = ("ca.crt", "ca-cert.pem", "root-cert.pem", "ca.pem")


def read_secret(document: Object) -> SecretFacts:
    """Read a Secret."""
    return SecretFacts(
        ref=ref_of(document),
        created_at=created_at_of(document),
        changed_at=changed_at_of(document),
        certificates=_first_of(document, _SERVED),
        authorities=_first_of(document, _AUTHORITIES),
    )


def read_cert_manager_certificate(document: Object) -> CertManagerCertificateFacts:
    """Read a Certificate of cert-manager.io."""
    spec, status = object_at(document, "spec"), object_at(document, "status")
    return CertManagerCertificateFacts(
        ref=ref_of(document),
        secret_name=text_at(spec, "secretName"),
        dns_names=texts_at(spec, "dnsNames"),
        not_before=time_at(status, "notBefore"),
        not_after=time_at(status, "notAfter"),
        renewal_at=time_at(status, "renewalTime"),
        revision=number_at(status, "revision"),
        conditions=conditions_at(status, "conditions"),
    )


def _first_of(document: Object, names: tuple[str, ...]) -> tuple[CertificateInfo, ...]:
    return next((found for name in names if (found := _member(document, name))), ())


def _member(document: Object, name: str) -> tuple[CertificateInfo, ...]:
    encoded = object_at(document, "data").get(name)
    if isinstance(encoded, str):
        return read_base64(encoded).certificates
    plain = object_at(document, "stringData").get(name)
    return read_certificates(plain.encode(errors="replace")).certificates if isinstance(plain, str) else ()
