"""Exports that are one document are taken apart into one entry a line."""

from __future__ import annotations

import json

import pytest

from parsers.documents import DocumentKind, is_kubernetes_object, sniff, split_document
from parsers.physical_lines import MAX_ENTRY_BYTES

ENTRY = {"timestamp": "2026-03-01T10:00:00Z", "message": 'level=info msg="a [{"'}
LOKI = {
    "status": "success",
    "data": {
        "resultType": "streams",
        "result": [{"stream": {"pod": "p"}, "values": [["1772359200500000000", "a"], ["1772359200400000000", "b"]]}],
    },
}
OTLP = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "k8s.pod.name", "value": {"stringValue": "p"}}]},
            "scopeLogs": [{"logRecords": [{"body": {"stringValue": "a"}}, {"body": {"stringValue": "b"}}]}],
        }
    ]
}


def pretty(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


KINDS = [
    pytest.param(pretty([ENTRY]), DocumentKind.JSON, id="array-over-lines"),
    pytest.param(compact([ENTRY, ENTRY]), DocumentKind.JSON, id="array-on-one-line"),
    pytest.param(pretty(ENTRY) + b"\n" + pretty(ENTRY), DocumentKind.JSON, id="printed-objects"),
    pytest.param(compact(LOKI), DocumentKind.JSON, id="loki-answer"),
    pytest.param(compact({"events": [ENTRY] * 2000}), DocumentKind.JSON, id="giant-line-of-entries"),
    pytest.param(compact(ENTRY) + b"\n" + compact(ENTRY), DocumentKind.LINES, id="json-lines"),
    pytest.param(compact(ENTRY), DocumentKind.LINES, id="one-json-line"),
    pytest.param(
        b'{"level":"info","msg":"cut he\n' + compact(ENTRY), DocumentKind.LINES, id="json-lines-first-one-cut"
    ),
    pytest.param(compact({"msg": "x" * 100_000, "level": "info"}), DocumentKind.LINES, id="giant-record"),
    pytest.param(
        compact({"level": "info", "msg": "a", "results": [{"b": 1}]}), DocumentKind.LINES, id="record-with-a-list"
    ),
    pytest.param(b"[pod/a/b] text\n", DocumentKind.LINES, id="kubectl-prefix"),
    pytest.param(b'["1772359200500000000","a"]\n', DocumentKind.LINES, id="loki-pairs-on-lines"),
    pytest.param(b"Date,Host,Service,Status,Message\n", DocumentKind.CSV, id="datadog-csv"),
    pytest.param(b'"_time","_raw"\n', DocumentKind.CSV, id="splunk-csv"),
    pytest.param(b"\xef\xbb\xbfTime,Line,tsNs\n", DocumentKind.CSV, id="grafana-csv"),
    pytest.param(b"@timestamp,@message\n", DocumentKind.CSV, id="insights-csv"),
    pytest.param(b"time;level;message\n", DocumentKind.CSV, id="semicolons"),
    pytest.param(b"Stopped, message\nnext", DocumentKind.LINES, id="prose-with-a-comma"),
    pytest.param(b"message\nnext", DocumentKind.LINES, id="one-word"),
    pytest.param(b'time="2026-03-01T10:00:00Z" level=info\n', DocumentKind.LINES, id="logfmt"),
    pytest.param(b"", DocumentKind.LINES, id="empty"),
]


@pytest.mark.parametrize(("head", "expected"), KINDS)
def test_kind_is_told_by_the_beginning(head: bytes, expected: DocumentKind) -> None:
    """A document is told from a log of one record a line."""
    assert expected is sniff(head[: 1 << 16])


ENTRIES = [
    pytest.param(pretty([ENTRY, ENTRY]), [(2, ENTRY), (6, ENTRY)], id="array"),
    pytest.param(pretty({"events": [ENTRY], "searchedLogStreams": []}), [(3, ENTRY)], id="cloudwatch"),
    pytest.param(pretty({"hits": {"total": 1, "hits": [{"_source": ENTRY}]}}), [(5, {"_source": ENTRY})], id="elastic"),
    pytest.param(pretty(ENTRY) + b"\n" + pretty(ENTRY), [(1, ENTRY), (5, ENTRY)], id="printed-objects"),
    pytest.param(
        compact(LOKI),
        [
            (1, {"labels": {"pod": "p"}, "line": "a", "timestamp": "1772359200500000000"}),
            (1, {"labels": {"pod": "p"}, "line": "b", "timestamp": "1772359200400000000"}),
        ],
        id="loki",
    ),
    pytest.param(
        compact(OTLP),
        [(1, {"resource": OTLP["resourceLogs"][0]["resource"], "body": {"stringValue": text}}) for text in "ab"],
        id="otlp",
    ),
    pytest.param(
        compact({"logStream": "s", "logEvents": [ENTRY]}),
        [(1, {"logStream": "s", **ENTRY})],
        id="cloudwatch-subscription",
    ),
    pytest.param(
        compact({"results": [[{"field": "@message", "value": "a"}]]}), [(1, {"@message": "a"})], id="insights"
    ),
    pytest.param(
        compact({"tables": [{"columns": [{"name": "LogEntry"}, {"name": "PodName"}], "rows": [["a", "p"]]}]}),
        [(1, {"LogEntry": "a", "PodName": "p"})],
        id="azure",
    ),
    pytest.param(compact(["a", "b"]), [(1, "a"), (1, "b")], id="array-of-lines"),
    pytest.param(
        compact([{"message": "a", "data": [{"b": 1}]}]),
        [(1, {"message": "a", "data": [{"b": 1}]})],
        id="record-with-a-list",
    ),
]


@pytest.mark.parametrize(("document", "expected"), ENTRIES)
def test_json_entries_are_found_where_they_are(document: bytes, expected: list[tuple[int, object]]) -> None:
    """Each entry comes as one line with the number of its first line, and with what stands around it."""
    entries = list(split_document(DocumentKind.JSON, [document]))

    assert expected == [(line, json.loads(raw)) for line, raw in entries]
    assert not any(b"\n" in raw for _, raw in entries)


BROKEN = [
    pytest.param(b'[{"message":"a"},\n{"message":"b"', [b'{"message":"a"}', b'{"message":"b"'], id="ends-in-an-entry"),
    pytest.param(b'{"message":"a"\n{"message":"b"}', [b'{"message":"a"', b'{"message":"b"}'], id="lost-bracket"),
    pytest.param(
        b'{"message":"a"}\nplain text\n{"message":"b"}',
        [b'{"message":"a"}', b"plain text", b'{"message":"b"}'],
        id="text-between",
    ),
    pytest.param(b'[{"message":"a"]\nplain', [b'{"message":"a"]', b"plain"], id="wrong-bracket"),
]


@pytest.mark.parametrize(("document", "expected"), BROKEN)
def test_broken_document_loses_no_entry(document: bytes, expected: list[bytes]) -> None:
    """What can be told apart is given, the rest as raw lines."""
    assert expected == [raw for _, raw in split_document(DocumentKind.JSON, [document])]


def test_entry_beyond_the_limit_is_cut_and_the_next_one_read() -> None:
    """Memory is bounded by one entry."""
    document = b'[{"message":"' + b"x" * (MAX_ENTRY_BYTES + 9) + b'"},{"message":"b"}]'
    chunks = [document[start : start + 65_536] for start in range(0, len(document), 65_536)]
    entries = [raw for _, raw in split_document(DocumentKind.JSON, chunks)]

    assert MAX_ENTRY_BYTES == len(entries[0])
    assert entries[1:] == [b'{"message":"b"}']


def test_csv_rows_become_objects() -> None:
    """Doubled quotation marks, line feeds and commas in cells are undone; empty cells are left out."""
    document = (
        b'Date,Host,Message\r\n"2026-03-01","","level=info msg=""a \\""b\\"""""\r\n'
        b'2026-03-02,h,"two\nlines"\r\n2026-03-03,h,a, b\r\n'
    )
    rows = [(line, json.loads(raw)) for line, raw in split_document(DocumentKind.CSV, [document])]

    assert rows == [
        (2, {"Date": "2026-03-01", "Message": 'level=info msg="a \\"b\\""'}),
        (3, {"Date": "2026-03-02", "Host": "h", "Message": "two\nlines"}),
        (5, {"Date": "2026-03-03", "Host": "h", "Message": "a, b"}),
    ]


def test_csv_row_that_cannot_be_read_is_one_line() -> None:
    """Every entry is one line: the numbers of lines are counted by them."""
    document = b'Date,Message\n"a ""b"" c"\n"2026","x\ny" and "more\nof it\n"2026","last"\n'
    assert all(b"\n" not in entry for _, entry in split_document(DocumentKind.CSV, [document]))


def test_csv_quotation_mark_that_is_never_closed_costs_one_line() -> None:
    """The damaged row comes out raw, the rows behind it are read."""
    document = b'time,message\n1,"open\n2,b\n3,c\n'

    assert [raw for _, raw in split_document(DocumentKind.CSV, [document])] == [
        b'1,"open',
        b'{"time":"2","message":"b"}',
        b'{"time":"3","message":"c"}',
    ]


OBJECTS = [
    pytest.param(pretty({"apiVersion": "v1", "kind": "List", "items": []}), True, id="json"),
    pytest.param(b'{"apiVersion":"v1","items":[' + b'{"a":1},' * 20_000, True, id="list-whose-kind-is-far-away"),
    pytest.param(b"apiVersion: v1\nkind: Rollout\nmetadata:\n", True, id="yaml"),
    pytest.param(b"---\nkind: Rollout\napiVersion: v1\n", True, id="yaml-other-order"),
    pytest.param(b"apiVersion: v1\nitems:\n- a\n", True, id="yaml-list"),
    pytest.param(b'{"kind":"Event","apiVersion":"audit.k8s.io/v1"}\n', False, id="audit-log"),
    pytest.param(
        b'{"level":"info","msg":"a","object":{"apiVersion":"v1","kind":"Pod"}}\n', False, id="log-about-an-object"
    ),
    pytest.param(b"level=info kind: x apiVersion: y", False, id="text"),
    pytest.param(b"", False, id="empty"),
]


@pytest.mark.parametrize(("head", "expected"), OBJECTS)
def test_kubernetes_objects_are_no_log(head: bytes, *, expected: bool) -> None:
    """Objects are told from logs that speak of objects."""
    assert expected is is_kubernetes_object(head)
