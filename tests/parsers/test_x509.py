"""Certificates out of PEM, DER and base64, as clusters hold them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization

from parsers.x509 import read_base64, read_certificates
from tests.parsers.certificate_samples import certificate, certificate_pem

LEAF = certificate_pem("leaf", "hooks.shop.svc", "hooks.shop.svc.cluster.local")
DER = certificate("leaf", "hooks.shop.svc", "hooks.shop.svc.cluster.local").public_bytes(serialization.Encoding.DER)
BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
NO_BASE64 = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"


def test_facts_of_a_certificate() -> None:
    """Names, validity, and what identifies it."""
    (found,) = read_certificates(LEAF).certificates

    assert ("CN=leaf", "CN=leaf", "leaf", "4711") == (
        found.subject, found.issuer, found.common_name, found.serial_number
    )  # fmt: skip
    assert datetime(2026, 1, 1, tzinfo=UTC) == found.not_before
    assert datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC) == found.not_after
    assert ("hooks.shop.svc", "hooks.shop.svc.cluster.local") == found.dns_names
    assert (DER, False, 64) == (found.der, found.is_ca, len(found.sha256))


@pytest.mark.parametrize(
    "encoded",
    [
        base64.b64encode(LEAF).decode(),
        base64.b64encode(DER).decode(),
        base64.encodebytes(LEAF).decode(),
        LEAF.decode(),
        LEAF,
        base64.b64encode(b"Bag Attributes\n  friendlyName: x\n" + LEAF + b"\n# end").decode(),
        base64.b64encode(LEAF.replace(b"\n", b"\r\n")).decode(),
    ],
    ids=["PEM", "DER", "over lines", "plain PEM", "bytes", "text around it", "CRLF"],
)
def test_every_wrapping_is_read(encoded: str | bytes) -> None:
    """A caBundle is base64 of PEM, mostly."""
    bundle = read_base64(encoded)

    assert (["leaf"], ()) == ([one.common_name for one in bundle.certificates], bundle.broken)


@pytest.mark.parametrize(
    ("source", "names", "whys"),
    [
        (LEAF + BROKEN + certificate_pem("root"), ["leaf", "root"], 1),
        (NO_BASE64 + LEAF, ["leaf"], 1),
        (LEAF[:-20], [], 0),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + LEAF, ["leaf"], 0),
        (b"", [], 0),
        (b"\x30\x82", [], 1),
        (DER[:-1], [], 1),
        (DER + b"x", [], 1),
    ],
    ids=["broken block", "no base64", "cut", "key before it", "empty", "cut DER", "short DER", "long DER"],
)
def test_what_is_broken_does_not_hide_the_rest(source: bytes, names: list[str], whys: int) -> None:
    """A block that cannot be read is told, never raised."""
    bundle = read_certificates(source)

    assert names == [one.common_name for one in bundle.certificates]
    assert whys == len(bundle.broken)
    assert all(one.why for one in bundle.broken)


@pytest.mark.parametrize("encoded", [None, 7, "", "äöü", "not base64!", [], "\ud800"])
def test_what_is_no_text_holds_no_certificates(encoded: object) -> None:
    """Members of objects may be anything."""
    assert () == read_base64(encoded).certificates
