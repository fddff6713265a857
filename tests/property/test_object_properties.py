"""Whatever a file of objects holds, nothing is raised, and what comes out can be stored and printed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.facts.seen import ObjectSeen
from parsers.objects.documents import find_objects
from parsers.objects.exports import is_export
from parsers.objects.recognise import holds_objects
from parsers.objects.snapshots import read_snapshot
from parsers.records import Origin
from parsers.x509 import read_base64, read_certificates
from tests.parsers.certificate_samples import FINDER, certificate_pem

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = (
    *("apiVersion", "kind", "metadata", "name", "namespace", "spec", "status", "items", "object", "event", "type"),
    *("conditions", "replicas", "generation", "creationTimestamp", "ownerReferences", "strategy", "canary", "steps"),
    *("trafficRouting", "istio", "plugins", "webhooks", "clientConfig", "caBundle", "rules", "data", "tls.crt"),
    *(
        "involvedObject",
        "reason",
        "message",
        "lastTimestamp",
        "count",
        "endpoints",
        "subsets",
        "ports",
        "managedFields",
        "metricResults",
        "measurements",
        "phase",
        "labels",
        "annotations",
    ),
)
KINDS = (
    ("argoproj.io/v1alpha1", "Rollout"),
    ("argoproj.io/v1alpha1", "AnalysisRun"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "Pod"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("v1", "Endpoints"),
    ("v1", "Service"),
    ("v1", "Secret"),
    ("v1", "Event"),
    ("coordination.k8s.io/v1", "Lease"),
    ("cert-manager.io/v1", "Certificate"),
    ("getambassador.io/v2", "Mapping"),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["2026-02-01T09:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "25%", "-1", "\ud800\x1b["]
    ),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip
DOCUMENTS = st.builds(
    lambda kind, members: {**members, "apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "a", **members}},
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6),
)


def check(data: bytes) -> None:
    holds_objects(data)
    is_export(data)
    snapshot = read_snapshot(data, Origin(), FINDER, received_at=NOW, read_at=NOW)
    for event in snapshot.events:
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=ObjectSeen)
        assert again == event
        assert event.at <= NOW
        repr(event).encode()


@given(DOCUMENTS)
@settings(max_examples=400, deadline=None)
def test_any_json_document(document: dict[str, Any]) -> None:
    """Members of every type at every place."""
    check(json.dumps(document).encode())


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    """Bytes that are neither JSON nor YAML."""
    check(data)
    read_certificates(data)
    read_base64(data)


@given(st.binary(max_size=60), st.integers(0, 400), DOCUMENTS)
@settings(max_examples=200, deadline=None)
def test_bytes_inside_a_document(data: bytes, position: int, document: dict[str, Any]) -> None:
    """A document that was cut, or written over."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [document, document]}, indent=1).encode()
    check(text[:position] + data + text[position + len(data) :])


@given(st.text(alphabet="-{}[]:,'\"|>&*!%#@?a1 \n\t", max_size=200))
@settings(max_examples=400, deadline=None)
def test_any_yaml(text: str) -> None:
    """Characters that mean something in YAML, behind the beginning of an object and alone."""
    check(text.encode())
    check(f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nstatus: {text}".encode())


@given(st.lists(st.text(alphabet=" Warning/ok3mx()0overdhs\t\n", max_size=60), max_size=6), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_table(rows: list[str], is_description: bool) -> None:
    """Rows of every form under a header, or in a description."""
    head = "Name:    a\nLabels:  b\n" if is_description else "LAST SEEN   TYPE      REASON   OBJECT   MESSAGE\n"
    check((head + "\n".join(rows)).encode())


@pytest.mark.parametrize("size", range(0, len(certificate_pem("leaf")), 7))
def test_certificates_that_were_cut(size: int) -> None:
    """Every beginning of a PEM block."""
    assert () == read_certificates(certificate_pem("leaf")[:size]).certificates


@given(st.integers(0, 10_000), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_certificates_with_a_wrong_byte(position: int, byte: int) -> None:
    """The DER of a certificate, changed at one place, is read or told to be broken."""
    from cryptography.hazmat.primitives import serialization

    from tests.parsers.certificate_samples import certificate

    der = bytearray(certificate("leaf", "hooks.shop.svc").public_bytes(serialization.Encoding.DER))
    der[position % len(der)] = byte
    bundle = read_certificates(bytes(der))

    assert 1 >= len(bundle.certificates)
    assert list(find_objects(b"")) == []
