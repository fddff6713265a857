r"""One JSON object a line: watch events, and what event exporters print, also behind what a log shipper puts before it.

Sources: k8s.io/apimachinery v0.30 meta/v1 WatchEvent (`{"type":"ADDED","object":{…}}`, as of
`kubectl get --watch --output-watch-events -o json`); heptiolabs/eventrouter (`{"verb":"ADDED","event":{…}}`);
opsgenie/kubernetes-event-exporter (an Event without kind). An exporter's own log stands between its events: lines
that are no objects are passed over here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

_PREFIX: Final = re.compile(rb"\s*(?:\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) )?(?:std(?:out|err) [FP] )?(?=\{)")
_DOCKER: Final = re.compile(rb'\{"log":"')
_CHANGES: Final = frozenset(("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "UPDATED"))
# The beginning of a line that is too long to be seen whole.
_EVENT_START: Final = re.compile(rb'"(?:involvedObject|regarding)"\s*:\s*\{')


class _Docker(msgspec.Struct):
    log: str


def is_export(head: bytes) -> bool:
    """Whether a file that begins with `head` holds such lines: one of the first few is one."""
    lines = [line for line in head.split(b"\n", 20)[:20] if line.strip()]
    return any(_is_export_line(line) for line in lines[:10])


def split_export(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The objects of such a file with the numbers of their lines, out of their wrappings."""
    for number, line in enumerate(data.split(b"\n"), 1):
        raw = _unwrap(line)
        if raw:
            yield number, raw


def _is_export_line(line: bytes) -> bool:
    raw = _unwrap(line)
    if not raw:
        return False
    document = _decode(raw)
    if not isinstance(document, dict):
        return len(raw) > 60_000 and _EVENT_START.search(raw) is not None
    inner = document.get("object") or document.get("event")
    change = document.get("type") or document.get("verb")
    if isinstance(inner, dict) and isinstance(change, str) and change in _CHANGES:
        return "metadata" in inner
    return "kind" not in document and "reason" in document and ("involvedObject" in document or "regarding" in document)


def _unwrap(line: bytes) -> bytes:
    prefix = _PREFIX.match(line)
    if prefix is None:
        return b""
    raw = line[prefix.end() :].rstrip()
    if not _DOCKER.match(raw):
        return raw
    try:
        return msgspec.json.decode(raw, type=_Docker).log.strip().encode("utf-8", "replace")
    except (msgspec.DecodeError, UnicodeError):
        return b""


def _decode(raw: bytes) -> Any:  # noqa: ANN401  # JSON
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
