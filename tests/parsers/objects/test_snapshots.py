"""Snapshots: when they were taken, and what failed in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.objects.snapshots import Snapshot, read_snapshot
from parsers.records import Origin
from tests.parsers.certificate_samples import FINDER

NINE, TEN, ELEVEN = (datetime(2026, 2, 1, hour, tzinfo=UTC) for hour in (9, 10, 11))


def text_of(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def lease(name: str, renewed_at: datetime, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "creationTimestamp": text_of(NINE), **metadata},
        "spec": {"renewTime": text_of(renewed_at)},
    }


def snapshot_of(*items: Any, received_at: datetime | None = ELEVEN) -> Snapshot:
    data = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()
    return read_snapshot(data, Origin(source="a.json"), FINDER, received_at=received_at, read_at=ELEVEN)


@pytest.mark.parametrize(
    ("items", "received_at", "expected"),
    [
        ([lease("a", NINE), lease("b", TEN)], ELEVEN, TEN),
        ([lease("a", NINE), lease("b", ELEVEN)], TEN, NINE),
        ([lease("a", NINE, annotations={"at": text_of(TEN)})], ELEVEN, NINE),
        ([lease("a", NINE, managedFields=[{"time": text_of(TEN)}])], ELEVEN, TEN),
        ([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}], TEN, TEN),
        ([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}], None, ELEVEN),
        (
            [
                {
                    "apiVersion": "cert-manager.io/v1",
                    "kind": "Certificate",
                    "metadata": {"name": "a", "creationTimestamp": text_of(NINE)},
                    "status": {"notAfter": text_of(TEN), "renewalTime": text_of(TEN)},
                }
            ],
            ELEVEN,
            NINE,
        ),
    ],
    ids=["newest", "not behind the file", "annotations", "managedFields", "file", "read", "ends of certificates"],
)
def test_time_of_a_snapshot(items: list[Any], received_at: datetime | None, expected: datetime) -> None:
    """All objects of a file have its time: the newest at which something happened."""
    assert {expected} == {event.at for event in snapshot_of(*items, received_at=received_at).events}


def test_an_object_that_is_shown_again_has_two_times() -> None:
    """What a watch printed: each showing at its own time, in order."""
    events = snapshot_of(lease("a", NINE), lease("b", NINE), lease("a", TEN)).events

    assert [("a", NINE), ("b", TEN), ("a", TEN)] == [(event.facts.ref.name, event.at) for event in events]


def test_event_has_the_time_of_its_last_occurrence() -> None:
    """And what it says about a failure is taken apart."""
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": {"kind": "ReplicaSet", "name": "rs"},
        "reason": "FailedCreate",
        "type": "Warning",
        "message": 'Error creating: pods "x" is forbidden: exceeded quota: team, requested: cpu=1, used: cpu=4',
        "lastTimestamp": text_of(NINE),
    }
    (seen, _) = snapshot_of(event, lease("a", TEN)).events

    assert NINE == seen.at
    assert seen.failure is not None
    assert "quota" == seen.failure.failure_class


def test_healthy_objects_tell_of_no_failure() -> None:
    """A normal event may quote anything."""
    event = {
        "kind": "Event",
        "metadata": {"name": "e"},
        "reason": "x",
        "type": "Normal",
        "message": "exceeded quota: q",
    }
    (seen,) = snapshot_of({"apiVersion": "v1", **event}).events

    assert seen.failure is None


def test_what_is_unknown_or_unreadable_is_counted() -> None:
    """Nothing is dropped in silence."""
    data = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: [\n"
    snapshot = read_snapshot(data, Origin(), FINDER, received_at=None, read_at=ELEVEN)

    assert ((), {"ConfigMap": 1}, 1) == (snapshot.events, snapshot.unknown, snapshot.unreadable_count)
    assert 5 == snapshot.unreadable[0].line
