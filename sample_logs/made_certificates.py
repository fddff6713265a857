"""Certificates for sample logs and tests: real ones, always the same, as their keys are made of names."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID


def day(text: str) -> datetime:
    """The beginning of a day in UTC, or a time in it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def issued(  # a certificate has so many parts
    name: str, key: str, signer: tuple[str, str], begin: datetime, end: datetime, hosts: tuple[str, ...] = ()
) -> bytes:
    """A certificate as PEM.

    Args:
        name: its common name.
        key: the name of its key.
        signer: common name and key's name of who signs; its own for an authority at the root.
        begin: of its validity.
        end: of its validity.
        hosts: what it is for; none: it is an authority.
    """
    public = _private(key).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(signer[0]))
        .public_key(public)
        .serial_number(int.from_bytes(hashlib.sha256(f"{name}{key}{begin}".encode()).digest()[:8], "big") | 1)
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False)
    return builder.sign(_private(signer[1]), None).public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _private(name: str) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def encoded(pem: bytes) -> str:
    """As Kubernetes writes it into an object."""
    return base64.b64encode(pem).decode()


def secret(
    namespace: str, name: str, leaf: bytes, authority: bytes, changed_at: datetime | None = None
) -> dict[str, object]:
    """A Secret of cert-manager; the private key is left out."""
    metadata: dict[str, object] = {"namespace": namespace, "name": name, "creationTimestamp": "2025-11-01T08:00:00Z"}
    if changed_at is not None:
        metadata["managedFields"] = [{"manager": "cert-manager", "time": f"{changed_at:%Y-%m-%dT%H:%M:%SZ}"}]
    data = {"tls.crt": encoded(leaf), "ca.crt": encoded(authority)}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def conversion_crd(bundle: bytes, changed_at: datetime | None = None) -> dict[str, object]:
    """The CRD Route.meshes.dev, converted by guard.tools."""
    client = {"service": {"namespace": "tools", "name": "guard", "path": "/convert"}, "caBundle": encoded(bundle)}
    metadata: dict[str, object] = {"name": "routes.meshes.dev", "creationTimestamp": "2025-11-01T08:00:00Z"}
    if changed_at is not None:
        metadata["managedFields"] = [{"manager": "cainjector", "time": f"{changed_at:%Y-%m-%dT%H:%M:%SZ}"}]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": "meshes.dev",
            "names": {"kind": "Route", "plural": "routes"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True}, {"name": "v2", "served": True}],
            "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": client}},
        },
    }


def admission(bundle: bytes, changed_at: datetime | None = None) -> dict[str, object]:
    """The webhook check.guard.dev, served by guard.tools."""
    client = {"service": {"namespace": "tools", "name": "guard", "path": "/check"}, "caBundle": encoded(bundle)}
    metadata: dict[str, object] = {"name": "guard", "creationTimestamp": "2025-11-01T08:00:00Z"}
    if changed_at is not None:
        metadata["managedFields"] = [{"manager": "cainjector", "time": f"{changed_at:%Y-%m-%dT%H:%M:%SZ}"}]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": metadata,
        "webhooks": [{"name": "check.guard.dev", "clientConfig": client, "failurePolicy": "Fail"}],
    }
