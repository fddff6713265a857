"""Lines of an answer of the pod-log API; what has no line feed yet is no line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.cluster.calls import Call, CallError, Cluster, Reason, Stream
from pipeline.sources.pod_logs.pods import ContainerId
from pipeline.sources.pod_logs.positions import NOTHING, Run, run_of

MAX_LINE_BYTES = 16_777_216
"""What a line has beyond this is not kept, and the line is set aside."""


def log_call(container: ContainerId) -> Call:
    """The request for a log."""
    return Call("get", "pods/log", container.namespace, container.pod)


def log_query(container: ContainerId, *, previous: bool = False, follow: bool = False, tail: int = 0) -> dict[str, str]:
    """What is asked for; `tail`: so many of the last lines, 0: all."""
    query = {"container": container.container, "timestamps": "true"}
    if previous:
        query["previous"] = "true"
    if follow:
        query["follow"] = "true"
    if tail:
        query["tailLines"] = str(tail)
    return query


def split_pieces(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The whole lines of each piece, without their line feeds; an unfinished last one is left out."""
    rest: list[bytes] = []
    size = 0
    for piece in pieces:
        *lines, last = piece.split(b"\n")
        if lines:
            lines[0] = _cut(b"".join((*rest, lines[0])))
            rest, size = [], 0
            yield lines
        if last and size < MAX_LINE_BYTES:
            rest.append(last)
            size += len(last)


def is_cut(line: bytes) -> bool:
    """Whether a line may be longer than what was kept of it."""
    return len(line) >= MAX_LINE_BYTES


def _cut(line: bytes) -> bytes:
    """At the same place whenever it is read, as the place in a log is found by its lines."""
    return line[:MAX_LINE_BYTES]


def newest_line(cluster: Cluster, container: ContainerId, *, previous: bool = False) -> Run | None:
    """The last line of a log; None: it has none. Raises CallError, also where the answer was cut."""
    call = log_call(container)
    body = cluster.get(call, log_query(container, previous=previous, tail=1), accept="*/*")
    if not body:
        return None
    if not body.endswith(b"\n"):
        # Cut, or the last words of a process that ended within a line: the line before is asked for then.
        unfinished = body
        body = cluster.get(call, log_query(container, previous=previous, tail=2), accept="*/*")
        if body == unfinished:
            return None  # it is all that there is: of two lines the first would stand in front
        if body.count(b"\n") != 1:
            raise CallError(container.cluster, call, Reason.UNREACHABLE, "the answer ends within a line")
        body = body[: body.index(b"\n") + 1]
    return run_of(_cut(body[:-1].rpartition(b"\n")[2]))


def previous_end(cluster: Cluster, container: ContainerId) -> Run:
    """The last line of the log of the run before; NOTHING: it is empty or not kept. Raises CallError."""
    try:
        return newest_line(cluster, container, previous=True) or NOTHING
    except CallError as error:
        if error.reason is Reason.REFUSED:
            return NOTHING
        raise


def open_log(cluster: Cluster, container: ContainerId, query: dict[str, str], idle_seconds: float) -> Stream:
    """The log itself. Raises CallError."""
    return cluster.open(log_call(container), query, idle_seconds=idle_seconds)
