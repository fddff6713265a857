r"""Kubernetes Events as kubectl prints them: tables, and the event sections of descriptions.

Sources: kubectl v1.30 `get events` (default, `-A`, `-o wide`: k8s.io/kubernetes pkg/printers/internalversion,
printEvent), `events`, `describe` (pkg/describe, DescribeEvents). Ages are counted back from when the text was
written; what they do not say (the namespace of a table without that column) stays empty.

    LAST SEEN           TYPE      REASON         OBJECT            MESSAGE
    3m (x17 over 8m)    Warning   FailedCreate   replicaset/api    Error creating: …
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.objects.found import FoundObject, UnreadableObject
from parsers.objects.members import MAX_MESSAGE_CHARS, as_text
from parsers.redaction import redact
from parsers.text import clean_text, scrub

_HEAD_LINES: Final = 5
_NEEDED: Final = {"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"}
_NAME: Final = re.compile(r"Name: {2,}(?P<name>\S+)\s*")
_PART_OF_DESCRIPTION: Final = re.compile(
    r"(?m)^(?:Namespace|Labels|Annotations|Priority|Status|API Version|Kind): {2,}\S"
)
_SECTION: Final = re.compile(r"\s*Type\s+Reason\s+Age\s+From\s+Message\s*")
_MEMBER: Final = re.compile(r"(?P<member>Namespace|Kind): {2,}(?P<value>\S+)\s*")
_AGE: Final = re.compile(
    r"""
    (?P<last>(?:\d{1,6}[ydhms]){1,4}|<unknown>|<invalid>)
    (?:\ \(x(?P<count>\d{1,9})(?:\ over\ (?P<first>(?:\d{1,6}[ydhms]){1,4}|<unknown>|<invalid>))?\))?
    """,
    re.VERBOSE,
)
_UNIT: Final = re.compile(r"(\d+)([ydhms])")
_UNIT_SECONDS: Final = {"y": 365 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DESCRIBED: Final = re.compile(
    rf"\s*(?P<type>Normal|Warning)\ {{2,}}(?P<reason>\S+)\ {{2,}}(?P<age>{_AGE.pattern})"
    r"\ {2,}(?:(?P<component>\S+(?:\ \S+)*?)\ {2,})?(?P<message>\S.*)",
    re.VERBOSE,
)
_KINDS: Final = {
    kind.lower(): kind
    for kind in (
        *("Rollout", "ReplicaSet", "Pod", "Deployment", "HorizontalPodAutoscaler", "Service", "Endpoints", "Node"),
        *("EndpointSlice", "StatefulSet", "DaemonSet", "Job", "CronJob", "AnalysisRun", "Experiment", "Secret"),
        *("Ingress", "Namespace", "ConfigMap", "Certificate", "CertificateRequest", "Order", "Challenge", "Issuer"),
        *("ClusterIssuer", "Lease", "Mapping", "VirtualService", "HTTPRoute", "PodDisruptionBudget", "ServiceAccount"),
        *("PersistentVolumeClaim", "PersistentVolume", "AnalysisTemplate", "CustomResourceDefinition"),
    )
}
_KIND_BY_COMPONENT: Final = {
    "replicaset-controller": "ReplicaSet",
    "rollouts-controller": "Rollout",
    "deployment-controller": "Deployment",
    "horizontal-pod-autoscaler": "HorizontalPodAutoscaler",
    "kubelet": "Pod",
    "default-scheduler": "Pod",
}


class _Column(msgspec.Struct, frozen=True):
    name: str
    start: int
    stop: int | None  # None: the last one


def is_event_text(head: bytes) -> bool:
    """Whether a file that begins with `head` is a table of events or a description of objects."""
    lines = [line for line in head[:8_192].decode("utf-8", "replace").splitlines() if line.strip()][:_HEAD_LINES]
    if any(_read_header(line) or _SECTION.fullmatch(line) for line in lines):
        return True
    return bool(lines and _NAME.fullmatch(lines[0]) and _PART_OF_DESCRIPTION.search("\n".join(lines)))


def find_events(data: bytes, written_at: datetime) -> Iterator[FoundObject | UnreadableObject]:
    """The events of such a file, in its order."""
    reader = _EventReader(written_at)
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = clean_text(raw.rstrip(b"\r"))[0].expandtabs()
        if line.strip():
            yield from reader.read(number, line)
    yield from reader.finish()


class _EventReader:
    """Where the reading of a file stands: in a table, or in the description of an object."""

    def __init__(self, written_at: datetime) -> None:
        self._written_at = written_at
        self._columns: tuple[_Column, ...] = ()
        self._described = ObjectRef("", "", "")
        self._row: FoundObject | None = None  # its message may go on: a line feed in it is printed as it is

    def read(self, number: int, line: str) -> Iterator[FoundObject | UnreadableObject]:
        header = _read_header(line)
        name = _NAME.fullmatch(line)
        if header or name is not None:
            yield from self.finish()
            self._columns = header
            self._described = ObjectRef("", "", name["name"] if name else "")
        elif self._columns:
            yield from self._read_row(number, line)
        elif (member := _MEMBER.fullmatch(line)) is not None:
            self._described = _with_member(self._described, member["member"], member["value"])
        elif (row := _DESCRIBED.fullmatch(line)) is not None:
            yield FoundObject(_read_described(row, self._described, self._written_at), number)

    def finish(self) -> Iterator[FoundObject]:
        if self._row is not None:
            yield self._row
        self._row = None

    def _read_row(self, number: int, line: str) -> Iterator[FoundObject | UnreadableObject]:
        facts = _read_row(line, self._columns, self._written_at)
        if facts is not None:
            yield from self.finish()
            self._row = FoundObject(facts, number)
        elif self._row is not None and self._columns[-1].name == "MESSAGE":
            self._row = _continued(self._row, line)
        else:
            yield UnreadableObject(number, "it is no row of the table")


def _continued(row: FoundObject, line: str) -> FoundObject:
    assert isinstance(row.facts, KubernetesEventFacts)
    message = _message(f"{row.facts.message}\n{line.strip()}")
    return msgspec.structs.replace(row, facts=msgspec.structs.replace(row.facts, message=message))


def _read_header(line: str) -> tuple[_Column, ...]:
    """The columns of a table's header; empty for any other line."""
    if "LAST SEEN" not in line or "MESSAGE" not in line:
        return ()
    found = list(re.finditer(r"[A-Z]+(?: [A-Z]+)*", line.rstrip()))
    stops = [match.start() for match in found[1:]]
    if not {match[0] for match in found} >= _NEEDED or not re.fullmatch(r"[A-Z ]+", line.rstrip()):
        return ()
    return tuple(_Column(match[0], match.start(), stop) for match, stop in zip(found, (*stops, None), strict=True))


def _read_row(line: str, columns: tuple[_Column, ...], written_at: datetime) -> KubernetesEventFacts | None:
    cells = _cells_of(line, columns)
    age = _AGE.fullmatch(cells.get("LAST SEEN", ""))
    if age is None or not cells.get("REASON"):
        return None
    kind, _, name = cells["OBJECT"].partition("/")
    namespace = cells.get("NAMESPACE", "")
    first = cells.get("FIRST SEEN", "")
    count = cells.get("COUNT", "")
    return KubernetesEventFacts(
        ref=ObjectRef("Event", namespace, as_text(cells.get("NAME", ""))),
        involved=ObjectRef(_kind_of(kind), namespace, as_text(name)),
        reason=as_text(cells["REASON"]),
        type=as_text(cells["TYPE"]),
        message=_message(cells["MESSAGE"]),
        component=as_text(cells.get("SOURCE", "").partition(",")[0]),
        count=int(count) if re.fullmatch(r"\d{1,9}", count) else int(age["count"] or 1),
        first_at=_before(written_at, first) or _before(written_at, age["first"] or age["last"]),
        last_at=_before(written_at, age["last"]),
    )


def _cells_of(line: str, columns: tuple[_Column, ...]) -> dict[str, str]:
    """The cells of a row: by the header's places where the row keeps to them (a watch does not), else by its blanks."""
    if all(not line[column.start - 2 : column.start].strip() for column in columns[1:]):
        return {column.name: line[column.start : column.stop].strip() for column in columns}
    cells = re.split(r" {2,}", line.strip(), maxsplit=len(columns) - 1)
    return dict(zip((column.name for column in columns), cells, strict=True)) if len(cells) == len(columns) else {}


def _read_described(row: re.Match[str], described: ObjectRef, written_at: datetime) -> KubernetesEventFacts:
    component = as_text(row["component"] or "")
    kind = described.kind or _KIND_BY_COMPONENT.get(component.partition(",")[0], "")
    return KubernetesEventFacts(
        ref=ObjectRef("Event", described.namespace, ""),
        involved=msgspec.structs.replace(described, kind=kind),
        reason=as_text(row["reason"]),
        type=row["type"],
        message=_message(row["message"]),
        component=component,
        count=int(row["count"] or 1),
        first_at=_before(written_at, row["first"] or row["last"]),
        last_at=_before(written_at, row["last"]),
    )


def _with_member(described: ObjectRef, member: str, value: str) -> ObjectRef:
    name = "namespace" if member == "Namespace" else "kind"
    return msgspec.structs.replace(described, **{name: "" if value == "<none>" else as_text(value)})


def _kind_of(text: str) -> str:
    """A kind as in a manifest: tables print it in small letters, perhaps with its group."""
    kind = as_text(text).partition(".")[0]
    return _KINDS.get(kind, kind)


def _message(text: str) -> str:
    return redact(scrub(text[:MAX_MESSAGE_CHARS].strip()))


def _before(written_at: datetime, age: str) -> datetime | None:
    units = _UNIT.findall(age)
    seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in units)
    try:
        return written_at - timedelta(seconds=seconds) if units else None
    except OverflowError:
        return None
