"""Files of objects: JSON in every shape, YAML, exports, and what is broken in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from parsers.facts.kube_events import KubernetesEventFacts
from parsers.objects.documents import find_objects, read_object_documents
from parsers.objects.found import FoundObject, UnknownObject, UnreadableObject
from parsers.objects.recognise import holds_objects


def pod(name: str, **status: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "status": status}


A, B = pod("a"), pod("b")
LIST = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [A, B]}
EVENT = {
    "metadata": {"name": "e", "namespace": "shop"},
    "reason": "FailedCreate",
    "message": "Error creating: no",
    "type": "Warning",
    "involvedObject": {"kind": "ReplicaSet", "namespace": "shop", "name": "rs"},
}


def compact(*documents: Any) -> bytes:
    return b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in documents)


def printed(*documents: Any) -> bytes:
    return b"".join(json.dumps(one, indent=4).encode() + b"\n" for one in documents)


SHAPES: dict[str, bytes] = {
    "list on one line": compact(LIST),
    "list over lines": printed(LIST),
    "list of the API": compact({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": A["metadata"]}, B]}),
    "array": compact([A, B]),
    "one document a line": compact(A, B),
    "documents one after the other": printed(A, B),
    "watch events": compact({"type": "ADDED", "object": A}, {"type": "MODIFIED", "object": B}),
    "YAML documents": b"---\n" + yaml.safe_dump(A).encode() + b"---\n" + yaml.safe_dump(B).encode(),
    "YAML list": yaml.safe_dump(LIST).encode(),
    "YAML with a comment": b"# made by hand\n"
    + yaml.safe_dump(A).encode()
    + b"...\n---\n"
    + yaml.safe_dump(B).encode(),
    "with a byte order mark": b"\xef\xbb\xbf" + compact(LIST),
    "a document and a list": printed(A, {"apiVersion": "v1", "kind": "List", "items": [B]}),
    "exporter in a CRI log": b"".join(
        b"2026-02-01T09:00:00.123456789Z stdout F " + compact(one)
        for one in ({"type": "ADDED", "object": A}, {"type": "ADDED", "object": B})
    ),
    "exporter in a docker log": compact(
        *({"log": json.dumps({"type": "ADDED", "object": one}) + "\n", "stream": "stdout"} for one in (A, B))
    ),
}


@pytest.mark.parametrize("source", list(SHAPES.values()), ids=list(SHAPES))
def test_shape(source: bytes) -> None:
    """Whatever kubectl, the API or an exporter prints gives its objects in order."""
    found = list(read_object_documents(source))

    assert ["a", "b"] == [one.ref.name for one in found if not isinstance(one, UnreadableObject)]
    assert [] == [one for one in found if isinstance(one, UnreadableObject)]


@pytest.mark.parametrize("source", [SHAPES[name] for name in SHAPES if name != "array"])
def test_shape_is_recognised(source: bytes) -> None:
    """A file of objects is not taken for a log."""
    assert holds_objects(source)


@pytest.mark.parametrize(
    "source",
    [
        b'{"level":"error","msg":"x","object":{"kind":"Pod"},"type":"Warning","reason":"r"}\n',
        b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","verb":"get"}\n',
        b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"conversion webhook failed","code":500}\n',
        b'500: {"kind":"Status","apiVersion":"v1","status":"Failure","message":"conversion webhook failed"}\n',
        b'time="2026-02-01T09:00:00Z" level=info msg="x"\n',
        b"kind: of a log line\n",
        b"",
    ],
    ids=["zap event", "audit", "status", "status with a code", "logfmt", "text", "empty"],
)
def test_logs_stay_logs(source: bytes) -> None:
    """Lines that look like objects: an answer of the API server that tells of a failure goes the way of a log line."""
    assert not holds_objects(source)


@pytest.mark.parametrize(
    ("source", "names", "unreadable"),
    [
        (printed(LIST)[:-30], ["a"], 1),
        (compact(LIST)[: compact(LIST).index(b'"b"')], ["a"], 1),
        (compact({"type": "ADDED", "object": A}) + b'{"type":"ADDED","obj\n', ["a"], 1),
        (yaml.safe_dump(A).encode() + b"---\nkind: [x\n---\n" + yaml.safe_dump(B).encode(), ["a", "b"], 1),
        (yaml.safe_dump(A).encode() + b"---\n- 1\n---\njust text\n", ["a"], 2),
        (compact(A).replace(b'"shop"', b'"sh\xffop"'), ["a"], 0),
        (compact(A).replace(b'"shop"', b'"\\ud800"'), ["a"], 0),
        (yaml.safe_dump(A).encode().replace(b"shop", b"sh\xff\x00op"), ["a"], 0),
    ],
    ids=[
        "cut",
        "cut on one line",
        "cut line",
        "broken YAML",
        "YAML of something else",
        "bytes",
        "surrogate",
        "YAML bytes",
    ],
)
def test_broken_files_give_what_they_hold(source: bytes, names: list[str], unreadable: int) -> None:
    """What cannot be read is told, and does not hide what can."""
    found = list(read_object_documents(source))

    assert names == [one.ref.name for one in found if not isinstance(one, UnreadableObject)]
    assert unreadable == sum(isinstance(one, UnreadableObject) for one in found)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (SHAPES["YAML documents"], [2, 9]),
        (SHAPES["one document a line"], [1, 2]),
        (SHAPES["list over lines"], [6, 15]),
        (SHAPES["exporter in a CRI log"], [1, 2]),
    ],
    ids=["YAML", "lines", "list", "export"],
)
def test_an_object_says_where_it_stands(source: bytes, lines: list[int]) -> None:
    """The line is that of its document or item."""
    assert lines == [one.line for one in find_objects(source) if isinstance(one, FoundObject)]


@pytest.mark.parametrize("wrapped", [{"verb": "ADDED", "event": EVENT, "old_event": None}, EVENT])
def test_event_exporters(wrapped: dict[str, Any]) -> None:
    """Both eventrouter and kubernetes-event-exporter print Events without a kind."""
    source = compact(wrapped, {"level": "info", "msg": "the exporter's own line"})
    found = [one for one in find_objects(source) if isinstance(one, FoundObject)]

    assert holds_objects(source)
    assert ["FailedCreate"] == [one.facts.reason for one in found if isinstance(one.facts, KubernetesEventFacts)]


def test_a_watch_tells_of_deletions() -> None:
    """The last facts of an object that is gone are marked."""
    source = compact({"type": "ADDED", "object": A}, {"type": "DELETED", "object": A})

    assert [False, True] == [one.is_deleted for one in find_objects(source) if isinstance(one, FoundObject)]


def test_unknown_kinds_are_counted() -> None:
    """A ConfigMap is no error."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"items": "x"}}

    assert [UnknownObject("v1", "ConfigMap")] == list(find_objects(compact(config)))


HEAD = b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"


def laughing(levels: int, width: int) -> bytes:
    lines = [b"a0: &a0 {kind: List, items: []}"]
    for level in range(1, levels):
        below = b",".join([b"*a%d" % (level - 1)] * width)
        lines.append(b"a%d: &a%d {kind: List, items: [%s]}" % (level, level, below))
    return HEAD.replace(b"Pod", b"List") + b"\n".join(lines) + b"\nitems: [*a%d]\n" % (levels - 1)


@pytest.mark.parametrize(
    "source",
    [
        HEAD + b"x: " + b"[a, " * 100_000,
        HEAD + b"x: " + b"{a: " * 100_000,
        HEAD + b"x:\n  " + b"- " * 100_000,
        HEAD + b'x: [ "]" ' + b', [ "]" ' * 100_000,
        laughing(9, 9),
        b'{"apiVersion":"v1","kind":"List","items":[' + b"[" * 100_000,
        b'{"apiVersion":"v1","kind":"List","items":[' * 3_000,
    ],
    ids=["arrays", "maps", "sequences", "hidden brackets", "aliases", "JSON arrays", "JSON lists"],
)
def test_hostile_nesting_is_told(source: bytes) -> None:
    """Neither the stack nor the memory is at a file's mercy."""
    assert any(isinstance(one, UnreadableObject) for one in read_object_documents(source))


def test_times_and_merge_keys_of_yaml_stay_text() -> None:
    """Dates without quotes are read like those with them, and a merge key merges nothing."""
    source = (
        HEAD
        + b"  creationTimestamp: 2026-02-01T09:00:00Z\n<<: {kind: Secret}\nstatus: {startTime: 2026-02-01T09:00:00Z}\n"
    )
    (found,) = read_object_documents(source)

    assert ("Pod", 9) == (found.ref.kind, found.started_at.hour)
