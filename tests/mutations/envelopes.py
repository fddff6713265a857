"""Records in the wrappings of tools and shippers, those that are known and some that nobody has made yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from parsers.parse import parse_line
from parsers.records import LogRecord, Origin, SourceLine

_START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_PART_CHARS = 256
Envelope = Callable[[str, datetime], str]


def times_of(lines: Sequence[str]) -> list[datetime]:
    """When each line was written: its own time, or that of the line before it."""
    at, times = _START, []
    for line in lines:
        record = parse_line(SourceLine(text=line, line=1, line_end=1, origin=Origin(source="log")))
        if isinstance(record, LogRecord) and record.at is not None:
            at = record.at
        times.append(at)
    return times


def wrap(lines: Sequence[str], envelope: Envelope) -> list[str]:
    """Every line in an envelope."""
    return [envelope(line, at + timedelta(milliseconds=3)) for line, at in zip(lines, times_of(lines), strict=True)]


def in_parts(lines: Sequence[str]) -> list[str]:
    """CRI's format, where a runtime with a small buffer has split the lines."""
    wrapped = []
    for line, at in zip(lines, times_of(lines), strict=True):
        parts = [line[start : start + _PART_CHARS] for start in range(0, len(line), _PART_CHARS)] or [""]
        tags = ["P"] * (len(parts) - 1) + ["F"]
        wrapped += [f"{_nanos(at)} stderr {tag} {part}" for tag, part in zip(tags, parts, strict=True)]
    return wrapped


def _nanos(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def _json(**members: object) -> str:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def _pretty_json(**members: object) -> str:
    return json.dumps(members)


ENVELOPES: Mapping[str, Envelope] = {
    "stern": lambda line, at: f"argo-rollouts-5d9c7f7b8-x2x4k argo-rollouts {line}",
    "kubectl --timestamps": lambda line, at: f"{_nanos(at)} {line}",
    "kubectl --prefix": lambda line, at: f"[pod/argo-rollouts-5d9c7f7b8-x2x4k/argo-rollouts] {line}",
    "cri": lambda line, at: f"{_nanos(at)} stderr F {line}",
    "docker json": lambda line, at: _json(log=line + "\n", stream="stderr", time=_nanos(at)),
    "fluent-bit": lambda line, at: _json(
        date=at.timestamp(),
        log=line,
        stream="stderr",
        kubernetes={
            "pod_name": "argo-rollouts-5d9c7f7b8-x2x4k",
            "namespace_name": "argo-rollouts",
            "labels": {"a": "b"},
        },
    ),
    "vector": lambda line, at: _json(
        file="/var/log/pods/x.log",
        kubernetes={"pod_name": "argo-rollouts-5d9c7f7b8-x2x4k", "pod_namespace": "argo-rollouts"},
        message=line,
        source_type="kubernetes_logs",
        timestamp=_nanos(at),
    ),
    "cloudwatch": lambda line, at: _pretty_json(timestamp=int(at.timestamp() * 1000), message=line, ingestionTime=1),
    "otel": lambda line, at: _json(
        timeUnixNano=str(int(at.timestamp()) * 10**9),
        severityText="INFO",
        body={"stringValue": line},
        attributes=[{"key": "k8s.pod.name", "value": {"stringValue": "argo-rollouts-5d9c7f7b8-x2x4k"}}],
    ),
    "gcp": lambda line, at: _json(
        textPayload=line, insertId="x", resource={"labels": {"container_name": "argo-rollouts"}}, timestamp=_nanos(at)
    ),
    "elastic": lambda line, at: _json(
        _index="logs", _source={"@timestamp": _nanos(at), "message": line, "agent": {"id": 1}}
    ),
    "unheard-of JSON": lambda line, at: _json(v=3, occurred=_nanos(at), payload={"raw_event": line}, tags=["a", "b"]),
    "syslog 3164": lambda line, at: f"<14>{at:%b %e %H:%M:%S} node-1 argo-rollouts[1]: {line}",
    "syslog 5424": lambda line, at: f"<14>1 {_nanos(at)} node-1 argo-rollouts 1 - - {line}",
    "journalctl": lambda line, at: f"{at:%b %d %H:%M:%S} node-1 argo-rollouts[4711]: {line}",
    "docker compose": lambda line, at: f"argo-rollouts-1  | {line}",
    "unheard-of prefix": lambda line, at: f"~ c7/argo#3 ({at:%H:%M:%S}) => {line}",
    "grep -n": lambda line, at: f"controller.log:4711:{line}",
    "quoted mail": lambda line, at: f"> {line}",
    "markdown code": lambda line, at: f"    {line}",
    "CSV": lambda line, at: f'{_nanos(at)},argo-rollouts,"{line.replace(chr(34), chr(34) * 2)}"',
    "JSON string": lambda line, at: json.dumps(line, ensure_ascii=False),
    "html": lambda line, at: (
        line.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    ),
}
NESTED: Mapping[str, tuple[str, str]] = {
    "docker json in fluent-bit": ("docker json", "fluent-bit"),
    "cri in vector": ("cri", "vector"),
    "stern in JSON string": ("stern", "JSON string"),
    "fluent-bit in gcp": ("fluent-bit", "gcp"),
    "kubectl in grep": ("kubectl --timestamps", "grep -n"),
    "vector in otel": ("vector", "otel"),
}
