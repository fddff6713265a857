"""Wrappers around a record are taken off, in any nesting, and what they tell is kept."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime

import pytest

from parsers.parse import parse_line
from parsers.records import Format, LogRecord, Origin, SourceLine, TimeBasis, Unparsed, UnparsedReason

HINT = datetime(2026, 4, 1, tzinfo=UTC)
TEXT = r'time="2026-03-01T10:00:00Z" level=error msg="rollout syncHandler error: \"x\"" namespace=shop rollout=cart'
JSON = (
    '{"level":"error","msg":"rollout syncHandler error: \\"x\\"","namespace":"shop","rollout":"cart",'
    '"time":"2026-03-01T10:00:00Z"}'
)
NO_POD = ("", "", "", "")
POD = ("", "", "ctl-7d-x", "main")
ALL = ("eu", "ops", "ctl-7d-x", "main")
KUBERNETES = {"pod_name": "ctl-7d-x", "namespace_name": "ops", "container_name": "main", "labels": {"app": "ctl"}}
CONTAINER_FILE = "var.log.containers.ctl-7d-x_ops_main-" + "0a" * 32 + ".log"


def parse(text: str, origin: Origin | None = None) -> LogRecord | Unparsed:
    return parse_line(SourceLine(text, 7, 7, origin or Origin("file"), HINT))


def record(text: str, origin: Origin | None = None) -> LogRecord:
    parsed = parse(text, origin)
    assert isinstance(parsed, LogRecord), parsed
    return parsed


TEXT_WRAPPERS = [
    pytest.param(f"2026-03-01T10:00:00.5Z {TEXT}", NO_POD, id="kubectl-timestamps"),
    pytest.param(f"[pod/ctl-7d-x/main] {TEXT}", POD, id="kubectl-prefix"),
    pytest.param(f"[pod/ctl-7d-x/main] 2026-03-01T10:00:00.5Z {JSON}", POD, id="kubectl-both"),
    pytest.param(f"2026-03-01T10:00:00.5+01:00 stderr F {JSON}", NO_POD, id="cri"),
    pytest.param(f"ctl-7d-x main {TEXT}", POD, id="stern"),
    pytest.param(
        f"ops ctl-7d-x main 2026-03-01T10:00:00Z {JSON}", ("", "ops", "ctl-7d-x", "main"), id="stern-namespaces"
    ),
    pytest.param(f"ops/ctl-7d-x[main]: {TEXT}", ("", "ops", "ctl-7d-x", "main"), id="kail"),
    pytest.param(f"[ctl-7d-x main] {TEXT}", POD, id="kubetail"),
    pytest.param(
        f'2026-03-01T10:00:00Z {{app="ctl", cluster="eu", namespace="ops", pod="ctl-7d-x", container="main"}} {TEXT}',
        ALL,
        id="logcli",
    ),
    pytest.param(f"Mar  1 10:00:00 node-1 k3s[12]: {TEXT}", NO_POD, id="journald"),
    pytest.param(f"8月 27 03:20:45 node.local kubelet[12]: {JSON}", NO_POD, id="journald-localized"),
    pytest.param(f"2026-03-01T10:00:00+0000 node-1 k3s[12]: {TEXT}", NO_POD, id="journald-iso"),
    pytest.param(f"node-1 k3s[12]: {TEXT}", NO_POD, id="journald-without-time"),
    pytest.param(f"<14>1 2026-03-01T10:00:00.5Z node-1 ctl 12 - - {TEXT}", NO_POD, id="rfc5424"),
    pytest.param(f"2026-03-01T10:00:00.5Z | {TEXT}", NO_POD, id="export-with-bar"),
    pytest.param(f"│ {TEXT}            │", NO_POD, id="box"),
    pytest.param(html.escape(TEXT), NO_POD, id="source-of-a-page"),
    pytest.param(f"{{{html.escape(JSON)[1:]}", NO_POD, id="json-in-the-source-of-a-page"),
    pytest.param('2026-03-01T10:00:00Z,ctl,"{}"'.format(TEXT.replace('"', '""')), NO_POD, id="csv-without-header"),
    pytest.param(
        "ctl.log:4711:" + json.dumps({"log": TEXT, "kubernetes": {"pod_name": "ctl-7d-x", "container_name": "main"}}),
        POD,
        id="grep-of-an-envelope",
    ),
    pytest.param(f"logs/ctl.log:4711:{TEXT}", NO_POD, id="grep-of-a-record"),
    pytest.param("> " + json.dumps({"message": JSON, "stream": "stderr"}), NO_POD, id="quoted-envelope"),
    pytest.param(
        json.dumps({"v": 3, "occurred": "2026-03-01T10:00:00Z", "raw_event": TEXT}),
        NO_POD,
        id="unknown-name-of-the-text",
    ),
    pytest.param(json.dumps({"v": 3, "wire": {"bytes": JSON}}), NO_POD, id="unknown-names-nested"),
    pytest.param(f"┃ {JSON}   ┃", NO_POD, id="heavy-box"),
    pytest.param(f'["1772359200500000000",{json.dumps(TEXT)}],', NO_POD, id="loki-pair"),
    pytest.param(json.dumps(TEXT), NO_POD, id="json-string"),
    pytest.param(json.dumps(json.dumps({"log": JSON})), NO_POD, id="json-string-twice"),
    pytest.param(json.dumps(JSON)[1:-1], NO_POD, id="escapes-left"),
    pytest.param(json.dumps(TEXT)[1:-1], NO_POD, id="escapes-left-in-logfmt"),
    pytest.param(TEXT.replace('"', "&quot;"), NO_POD, id="html"),
    pytest.param(f"some-tool >> {JSON}", NO_POD, id="unknown-prefix"),
]

OBJECTS = [
    pytest.param({"log": JSON + "\n", "stream": "stderr", "time": "2026-03-01T10:00:00.5Z"}, NO_POD, id="docker"),
    pytest.param(
        {"date": 1772359200.5, "logtag": "F", "log": TEXT, "kubernetes": KUBERNETES, "cluster": "eu"},
        ALL,
        id="fluent-bit",
    ),
    pytest.param({"log": json.loads(JSON), "kubernetes": KUBERNETES, "cluster": "eu"}, ALL, id="fluent-bit-decoded"),
    pytest.param({**json.loads(JSON), "kubernetes": KUBERNETES, "cluster": "eu"}, ALL, id="fluent-bit-merged"),
    pytest.param(
        {
            "kubernetes": {"pod_name": "ctl-7d-x", "pod_namespace": "ops", "container_name": "main"},
            "message": TEXT,
            "timestamp": "2026-03-01T10:00:00.5Z",
            "cluster_name": "eu",
        },
        ALL,
        id="vector",
    ),
    pytest.param(
        {
            "@timestamp": "2026-03-01T10:00:00.5Z",
            "message": JSON,
            "log": {"file": {"path": "/a"}},
            "kubernetes": {"pod": {"name": "ctl-7d-x"}, "namespace": "ops", "container": {"name": "main"}},
            "orchestrator": {"cluster": {"name": "eu"}},
        },
        ALL,
        id="filebeat",
    ),
    pytest.param(
        {"_index": "i", "_source": {"message": TEXT, "kubernetes": KUBERNETES, "labels": {"cluster": "eu"}}},
        ALL,
        id="elastic-hit",
    ),
    pytest.param(
        {
            "labels": {"cluster": "eu", "namespace": "ops", "pod": "ctl-7d-x", "container": "main"},
            "line": JSON,
            "timestamp": "1772359200500000000",
        },
        ALL,
        id="loki",
    ),
    pytest.param(
        {
            "timestamp": 1772359200500,
            "message": json.dumps({"log": TEXT, "kubernetes": KUBERNETES}),
            "logStreamName": "node-1",
        },
        ("", "ops", "ctl-7d-x", "main"),
        id="cloudwatch-nested",
    ),
    pytest.param(
        {"timestamp": 1772359200500, "message": TEXT, "logStream": CONTAINER_FILE},
        ("", "ops", "ctl-7d-x", "main"),
        id="cloudwatch-stream-name",
    ),
    pytest.param(
        {
            "textPayload": TEXT,
            "resource": {
                "labels": {
                    "cluster_name": "eu",
                    "namespace_name": "ops",
                    "pod_name": "ctl-7d-x",
                    "container_name": "main",
                }
            },
        },
        ALL,
        id="cloud-logging-text",
    ),
    pytest.param(
        {
            "jsonPayload": json.loads(JSON),
            "resource": {
                "labels": {
                    "cluster_name": "eu",
                    "namespace_name": "ops",
                    "pod_name": "ctl-7d-x",
                    "container_name": "main",
                }
            },
        },
        ALL,
        id="cloud-logging-json",
    ),
    pytest.param(
        {"preview": False, "result": {"_raw": TEXT, "_time": "2026-03-01T10:00:00.500+00:00"}},
        NO_POD,
        id="splunk-export",
    ),
    pytest.param(
        {
            "time": 1772359200.5,
            "event": json.loads(JSON),
            "fields": {"cluster": "eu", "namespace": "ops", "pod": "ctl-7d-x", "container_name": "main"},
        },
        ALL,
        id="splunk-hec",
    ),
    pytest.param(
        {
            "id": "a",
            "content": {
                "message": TEXT,
                "tags": ["pod_name:ctl-7d-x", "kube_namespace:ops", "kube_container_name:main", "kube_cluster_name:eu"],
            },
        },
        ALL,
        id="datadog",
    ),
    pytest.param(
        {
            "LogMessage": TEXT,
            "PodName": "ctl-7d-x",
            "PodNamespace": "ops",
            "ContainerName": "main",
            "ClusterName": "eu",
        },
        ALL,
        id="azure-v2",
    ),
    pytest.param({"LogEntry": JSON, "TimeGenerated [UTC]": "2026-03-01T10:00:00.5Z"}, NO_POD, id="azure"),
    pytest.param(
        {
            "body": TEXT,
            "resource": {
                "attributes": {
                    "k8s.cluster.name": "eu",
                    "k8s.namespace.name": "ops",
                    "k8s.pod.name": "ctl-7d-x",
                    "k8s.container.name": "main",
                }
            },
        },
        ALL,
        id="opentelemetry",
    ),
    pytest.param(
        {
            "resourceLogs": [
                {
                    "resource": {"attributes": [{"key": "k8s.pod.name", "value": {"stringValue": "ctl-7d-x"}}]},
                    "scopeLogs": [{"logRecords": [{"body": {"stringValue": TEXT}}]}],
                }
            ]
        },
        ("", "", "ctl-7d-x", ""),
        id="otlp",
    ),
    pytest.param({"MESSAGE": TEXT, "__REALTIME_TIMESTAMP": "1772359200500000"}, NO_POD, id="journald-json"),
    pytest.param({"MESSAGE": list(TEXT.encode()), "PRIORITY": "3"}, NO_POD, id="journald-json-bytes"),
    pytest.param(
        {"message": TEXT, "nodeName": "n", "namespace": "ops", "podName": "ctl-7d-x", "containerName": "main"},
        ("", "ops", "ctl-7d-x", "main"),
        id="stern-json",
    ),
    pytest.param(
        {"Date": "2026-03-01T10:00:00.5Z", "Host": "n", "Status": "error", "Message": TEXT}, NO_POD, id="csv-row"
    ),
    pytest.param(
        {"fields": {"message": [TEXT], "kubernetes.pod.name": ["ctl-7d-x"]}},
        ("", "", "ctl-7d-x", ""),
        id="elastic-fields",
    ),
]


@pytest.mark.parametrize(("text", "origin"), TEXT_WRAPPERS)
def test_text_wrapper_comes_off(text: str, origin: tuple[str, str, str, str]) -> None:
    """The record inside is read, and its origin completed by what the wrapper tells."""
    _assert_is_the_record(record(text), origin)


@pytest.mark.parametrize(("members", "origin"), OBJECTS)
def test_json_envelope_comes_off(members: dict[str, object], origin: tuple[str, str, str, str]) -> None:
    """The record inside is read, and its origin completed by what the envelope tells."""
    _assert_is_the_record(record(json.dumps(members)), origin)


def _assert_is_the_record(parsed: LogRecord, origin: tuple[str, str, str, str]) -> None:
    assert parsed.message == 'rollout syncHandler error: "x"'
    assert ("shop", "cart") == (parsed.fields["namespace"], parsed.fields["rollout"])
    assert (datetime(2026, 3, 1, 10, tzinfo=UTC), TimeBasis.RECORD) == (parsed.at, parsed.time_basis)
    found = parsed.origin
    assert origin == (found.cluster, found.namespace, found.pod, found.container)


BARE = [
    pytest.param("2026-03-01T10:00:00.5Z Started syncing rollout", id="kubectl-timestamps"),
    pytest.param("2026-03-01T10:00:00.5Z stderr F Started syncing rollout", id="cri"),
    pytest.param('{"log":"Started syncing rollout\\n","stream":"stderr","time":"2026-03-01T10:00:00.5Z"}', id="docker"),
    pytest.param('{"line":"Started syncing rollout","timestamp":"1772359200500000000"}', id="loki"),
    pytest.param(
        '{"message":"Started syncing rollout","timestamp":1772359200500,"logStreamName":"a"}', id="cloudwatch"
    ),
]


@pytest.mark.parametrize("text", BARE)
def test_record_without_a_time_takes_the_wrappers(text: str) -> None:
    """The time of the innermost wrapper that has one is used, and the basis says so."""
    parsed = record(text)

    assert (Format.BARE, "Started syncing rollout") == (parsed.format, parsed.message)
    assert (datetime(2026, 3, 1, 10, 0, 0, 500000, tzinfo=UTC), TimeBasis.ENVELOPE) == (parsed.at, parsed.time_basis)


def test_fields_that_a_shipper_keeps_apart_come_back() -> None:
    """Datadog takes the message out of a record and leaves the rest in `attributes`."""
    members = {
        "message": "sync failed",
        "tags": ["pod_name:ctl-7d-x"],
        "attributes": {"namespace": "shop", "level": "error"},
    }
    parsed = record(json.dumps({"attributes": members}))

    assert ("sync failed", {"namespace": "shop"}) == (parsed.message, dict(parsed.fields))
    assert (parsed.origin.pod, parsed.origin.namespace) == ("ctl-7d-x", "")


def test_what_the_source_knows_is_not_overwritten() -> None:
    """A line cannot claim to come from another pod than the one it was read from."""
    parsed = record(f"[pod/ctl-7d-x/main] {TEXT}", Origin("api", "us", "ops", "real-pod", ""))

    assert Origin("api", "us", "ops", "real-pod", "main") == parsed.origin


def test_following_lines_lose_the_same_wrapper() -> None:
    """A record that was put together from several wrapped lines reads as one text."""
    parsed = record("ctl-7d-x main INFO[0001] first\nctl-7d-x main second  a=b")

    assert ("first\nsecond", {"a": "b"}) == (parsed.message, dict(parsed.fields))


PROSE = [
    "some-thing happened here today",
    "error retrieving resource lock shop/cart: timed out",
    "2026-03-01T10:00:00.5Z error retrieving resource lock",
    "a/b[c]: d",
    "| column | column |",
]


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_not_taken_for_a_wrapper(text: str) -> None:
    """Words that look like names stay in the message unless a record follows."""
    parsed = record(text)

    assert text.removeprefix("2026-03-01T10:00:00.5Z ") == parsed.message
    assert not parsed.origin.pod


def test_text_within_an_object_of_an_audit_log_is_no_record() -> None:
    """Who may write objects must not be able to write log lines."""
    event = {"auditID": "1", "requestObject": {"kind": "Event", "apiVersion": "v1", "message": "x", "note": TEXT}}
    assert isinstance(parse(json.dumps(event)), Unparsed)


def test_quoted_record_in_a_message_is_not_unpacked() -> None:
    """What a tenant put into a message stays a message: it cannot become a record of the controller."""
    forged = json.dumps({"level": "error", "msg": JSON, "time": "2026-03-01T10:00:00Z"})

    assert record(forged).message == JSON


UNREADABLE = [
    pytest.param("", UnparsedReason.EMPTY, id="empty"),
    pytest.param("│      │", UnparsedReason.EMPTY, id="empty-box"),
    pytest.param('{"log":"\\n","stream":"stderr"}', UnparsedReason.EMPTY, id="empty-line-in-an-envelope"),
    pytest.param("\ufffd" * 50, UnparsedReason.NOT_TEXT, id="bytes"),
    pytest.param('{"', UnparsedReason.BROKEN_ENVELOPE, id="broken"),
    pytest.param('{"status":"success"}', UnparsedReason.NO_MESSAGE, id="no-message"),
    pytest.param("[pod/a-b/c] " * 20 + "text", UnparsedReason.TOO_DEEP, id="too-deep"),
]


@pytest.mark.parametrize(("text", "reason"), UNREADABLE)
def test_unreadable_line_is_told_with_its_reason(text: str, reason: UnparsedReason) -> None:
    """Nothing is dropped in silence, and nothing raises."""
    parsed = parse(text)

    assert isinstance(parsed, Unparsed)
    assert (reason, 7) == (parsed.reason, parsed.line)
