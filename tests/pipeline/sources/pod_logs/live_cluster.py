"""A cluster in memory with several pods, whose logs and watches go on until they are closed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.cluster.calls import Call, CallError, Reason

LONGEST_SECONDS = 30.0


class LiveCluster:
    """A `Cluster`. Each pod has one container, `main`, and one run of it."""

    namespace = "default"

    def __init__(self, name: str, **pods: int) -> None:
        """Args: name: its name; pods: how many lines each has printed."""
        self.name = name
        self.logs = {pod: [_line(number) for number in range(count)] for pod, count in pods.items()}
        self.refusals: list[CallError] = []  # of the next requests for a log
        self.changed = threading.Condition()
        self._is_closed = False

    def add(self, pod: str, lines: int) -> None:
        """A pod comes."""
        with self.changed:
            self.logs[pod] = [_line(number) for number in range(lines)]
            self.changed.notify_all()

    def write(self, pod: str, number: int) -> None:
        """A pod prints."""
        with self.changed:
            self.logs[pod].append(_line(number))
            self.changed.notify_all()

    def delete(self, pod: str) -> None:
        """A pod goes."""
        with self.changed:
            del self.logs[pod]
            self.changed.notify_all()

    def get(self, call: Call, query: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        asked = dict(query or {})
        if call.resource == "pods":
            name = asked.get("fieldSelector", "").rpartition("=")[2]
            items = [_pod(pod) for pod in sorted(self.logs) if name in ("", pod)]
            return json.dumps({"metadata": {"resourceVersion": "1"}, "items": items}).encode()
        return b"".join(self._log(call, asked)[-int(asked["tailLines"]) :])

    def open(self, call: Call, query: Mapping[str, str], *, idle_seconds: float) -> Going:
        if call.resource == "pods":
            return Going(self, None, len(self.logs))
        log = self._log(call, query)
        tail = int(query.get("tailLines", len(log)))
        return Going(self, call.name, max(0, len(log) - tail))

    def close(self) -> None:
        """Streams are closed by those who opened them."""

    def _log(self, call: Call, query: Mapping[str, str]) -> list[bytes]:
        if self.refusals:
            raise self.refusals.pop(0)
        if query.get("previous"):
            raise CallError(self.name, call, Reason.REFUSED, "previous terminated container not found", 400)
        if call.name not in self.logs:
            raise CallError(self.name, call, Reason.NOT_FOUND, "not found", 404)
        return list(self.logs[call.name])


class Going:
    """A log that is followed, or a watch of pods that come."""

    def __init__(self, cluster: LiveCluster, pod: str | None, sent: int) -> None:
        self._cluster, self._pod, self._sent = cluster, pod, sent
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        changed = self._cluster.changed
        while True:
            with changed:
                changed.wait_for(lambda: self._is_closed or self._is_over() or self._rest(), LONGEST_SECONDS)
                rest = self._rest()
                self._sent += len(rest)
            if not rest or self._is_closed:
                return
            yield b"".join(rest)

    def close(self) -> None:
        with self._cluster.changed:
            self._is_closed = True
            self._cluster.changed.notify_all()

    def _is_over(self) -> bool:
        return self._pod is not None and self._pod not in self._cluster.logs

    def _rest(self) -> list[bytes]:
        if self._pod is None:
            return [_event(pod) for pod in list(self._cluster.logs)[self._sent :]]
        return self._cluster.logs.get(self._pod, [])[self._sent :]


def _line(number: int) -> bytes:
    return b"2026-01-01T00:00:00.%09dZ number=%d\n" % (number, number)


def _pod(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "argo", "uid": f"uid-{name}", "resourceVersion": "2"}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main"}]}}


def _event(pod: str) -> bytes:
    return json.dumps({"type": "ADDED", "object": _pod(pod)}).encode() + b"\n"
