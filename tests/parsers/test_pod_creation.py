"""Lines about pods that a ReplicaSet could not create, or created."""

from __future__ import annotations

import pytest

from parsers.parse import parse_line
from parsers.pod_creation import PodCreationLine, read_pod_creation
from parsers.records import LogRecord, Origin, SourceLine

DENIED = 'admission webhook "check.guard.dev" denied the request: image is not signed'

LINES = {
    "kube-controller-manager 1.30": (
        f'E1123 15:52:13.576267   12667 replica_set.go:557] sync "shop/web-6d9f8c7" failed with {DENIED}',
        PodCreationLine("shop", "web-6d9f8c7", DENIED),
    ),
    "up to 1.15": (
        f'E0613 02:49:14.452287       1 replica_set.go:450] Sync "shop/web-6d9f8c7" failed with {DENIED}',
        PodCreationLine("shop", "web-6d9f8c7", DENIED),
    ),
    "from 1.31 on, in the field err": (
        (
            'E1123 15:52:13.576267       1 replica_set.go:562] "Unhandled Error" err="sync \\"shop/web-6d9f8c7\\" '
            'failed with pods \\"web-\\" is forbidden: exceeded quota: compute" logger="UnhandledError"'
        ),
        PodCreationLine("shop", "web-6d9f8c7", 'pods "web-" is forbidden: exceeded quota: compute'),
    ),
    "an Event, structured": (
        (
            'I1123 15:52:13.576267       1 event.go:307] "Event occurred" object="shop/web-6d9f8c7" fieldPath="" '
            'kind="ReplicaSet" apiVersion="apps/v1" type="Warning" reason="FailedCreate" message="Error creating: no"'
        ),
        PodCreationLine("shop", "web-6d9f8c7", "no"),
    ),
    "an Event of a pod that was created": (
        (
            'I1123 15:52:13.576267       1 event.go:307] "Event occurred" object="shop/web-6d9f8c7" fieldPath="" '
            'kind="ReplicaSet" apiVersion="apps/v1" type="Normal" reason="SuccessfulCreate" message="Created pod"'
        ),
        PodCreationLine("shop", "web-6d9f8c7", None),
    ),
    "an Event as it was printed before": (
        (
            'I0613 02:49:14.452287       1 event.go:221] Event(v1.ObjectReference{Kind:"ReplicaSet", '
            'Namespace:"shop", Name:"web-6d9f8c7", UID:"5b0c5e7e", APIVersion:"apps/v1", FieldPath:""}): '
            "type: 'Warning' reason: 'FailedCreate' (combined from similar events): Error creating: no"
        ),
        PodCreationLine("shop", "web-6d9f8c7", "no"),
    ),
    "an Event about something else": (
        (
            'I1123 15:52:13.576267       1 event.go:307] "Event occurred" object="shop/db" fieldPath="" '
            'kind="StatefulSet" apiVersion="apps/v1" type="Warning" reason="FailedCreate" message="no"'
        ),
        None,
    ),
    "an Event of another reason": (
        (
            'I1123 15:52:13.576267       1 event.go:307] "Event occurred" object="shop/web-6d9f8c7" fieldPath="" '
            'kind="ReplicaSet" apiVersion="apps/v1" type="Normal" reason="SuccessfulDelete" message="Deleted"'
        ),
        None,
    ),
    "such a line within another message": (
        'time="2026-03-01T12:00:00Z" level=error msg="it said: sync \\"shop/web-6d9f8c7\\" failed with no"',
        None,
    ),
}


@pytest.mark.parametrize(("text", "expected"), LINES.values(), ids=LINES.keys())
def test_line_about_pods(text: str, expected: PodCreationLine | None) -> None:
    """Which ReplicaSet it is, and why it has no pods; None for what is no such line."""
    record = parse_line(SourceLine(text, 1, 1, Origin(source="kcm.log")))
    assert isinstance(record, LogRecord)
    assert expected == read_pod_creation(record)
