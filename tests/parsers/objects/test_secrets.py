"""Secrets: public certificates come out, nothing else ever does."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from parsers.facts.certificates import SecretFacts
from parsers.facts.seen import ObjectSeen
from parsers.objects.snapshots import read_snapshot
from parsers.records import Origin
from tests.parsers.certificate_samples import FINDER, certificate_pem

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = ec.derive_private_key(4711, ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
PASSWORD = "correct-horse-battery"


def secret_of(data: dict[str, bytes], plain: dict[str, str] | None = None) -> bytes:
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    applied = msgspec.json.encode({"data": encoded}).decode()
    return msgspec.json.encode(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "hooks-tls",
                "namespace": "shop",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied, "note": PASSWORD},
            },
            "data": encoded,
            "stringData": plain or {},
        }
    )


def seen_in(document: bytes) -> ObjectSeen:
    (event,) = read_snapshot(document, Origin(), FINDER, received_at=NOW, read_at=NOW).events
    return event


@pytest.mark.parametrize(
    "data",
    [
        {"tls.crt": certificate_pem("leaf"), "tls.key": KEY, "password": PASSWORD.encode()},
        {"tls.crt": certificate_pem("leaf") + KEY + PASSWORD.encode(), "ca.crt": KEY},
        {"tls.crt": KEY, "ca.crt": PASSWORD.encode(), "server.crt": KEY.replace(b"PRIVATE KEY", b"CERTIFICATE")},
        {"tls.crt": base64.b64decode(b"".join(KEY.splitlines()[1:-1]))},
    ],
    ids=["beside it", "in the same member", "instead of it", "as DER"],
)
def test_private_parts_never_come_out(data: dict[str, bytes]) -> None:
    """Neither in the representation nor in any encoding of the event."""
    event = seen_in(secret_of(data, {"extra": PASSWORD, "tls.crt": KEY.decode()}))
    shown = repr(event).encode() + msgspec.json.encode(event) + msgspec.msgpack.encode(event)
    bare_key = base64.b64decode(b"".join(KEY.splitlines()[1:-1]))

    secrets = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode()), bare_key, bare_key[-40:], *KEY.splitlines()]
    assert [] == [secret for secret in secrets if secret in shown]


def test_public_certificates_come_out() -> None:
    """The leaf first, as it is served, and the authority."""
    chain = certificate_pem("leaf") + certificate_pem("middle")
    facts = seen_in(secret_of({"tls.crt": chain, "ca.crt": certificate_pem("root")})).facts

    assert isinstance(facts, SecretFacts)
    assert ["leaf", "middle"] == [one.common_name for one in facts.certificates]
    assert ["root"] == [one.common_name for one in facts.authorities]
