"""A cluster with one container, where something can happen before every answer and before every line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline.cluster.calls import Call, CallError, Reason
from pipeline.sources.pod_logs.pods import ContainerId

CONTAINER = ContainerId("test", "argo-rollouts", "controller", "uid-1", "main")


class FakeCluster:
    """A `Cluster`: logs as the kubelet has them now, a status that may be older."""

    name, namespace = "test", "default"

    def __init__(self, at_moment: Callable[[FakeCluster, int], None]) -> None:
        self.runs: list[list[bytes]] = [[]]  # the log of each run; the last two are served
        self.is_waiting = False  # the newest run is over, and the next one has not begun
        self.is_deleted = False
        self.seconds = 0  # the clock of the node
        self.written = 0
        self._times: list[list[str]] = [[self._now()]]  # when each run began and ended
        self._told = self._status()
        self.moments = 0
        self._run_starts: set[int] = set()  # the first number of each run but the first
        self._rotated: set[int] = set()
        self.cut_moments: set[int] = set()  # the answer that is given then ends within a line
        self._at_moment = at_moment

    def write(self, count: int = 1) -> None:
        """The container prints, two lines in each moment."""
        for _ in range(0 if self.is_waiting else count):
            at = f"{self._now()[:-1]}.{self.written // 2:09d}Z"
            self.runs[-1].append(f"{at} number={self.written}\n".encode())
            self.written += 1

    def die(self) -> None:
        """The run is over; its log is the current and the previous one until the next run begins."""
        if not self.is_waiting:
            self._times[-1].append(self._now())
        self.is_waiting = True

    def begin(self) -> None:
        """The next run begins; its status says nothing of it yet."""
        self.die()
        self.runs.append([])
        self._times.append([self._now()])
        self._run_starts.add(self.written)
        self.is_waiting = False

    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.seconds += seconds

    def restart(self, lines: int) -> None:
        """Both, and the new run prints."""
        self.begin()
        self.write(lines)

    def rotate(self, keep: int) -> None:
        """The oldest lines of the current log are not served any more."""
        log = self.runs[-1]
        count = max(0, len(log) - keep)
        self._rotated |= {int(line.rpartition(b"=")[2]) for line in log[:count]}
        del log[:count]

    def is_rotated_head(self, first: int, stop: int) -> bool:
        """Whether these lines are the first ones of one run, and all of them were rotated away."""
        missing = set(range(first, stop))
        return first in self._run_starts and missing <= self._rotated and len(missing & self._run_starts) == 1

    def tell(self) -> None:
        """The status catches up."""
        self._told = self._status()

    def delete(self) -> None:
        """The pod is gone."""
        self.is_deleted = True

    def moment(self) -> int:
        """Something may happen now."""
        self.moments += 1
        self._at_moment(self, self.moments)
        return self.moments

    def get(self, call: Call, query: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        moment = self.moment()
        if call.resource == "pods":
            return self._pods()
        body = b"".join(self._tail(self._log(call, query or {}), query or {}))
        return body[:-3] if moment in self.cut_moments else body

    def open(self, call: Call, query: Mapping[str, str], *, idle_seconds: float) -> FakeStream:
        self.moment()
        log = self._log(call, query)
        return FakeStream(self, log, len(log) - len(self._tail(log, query)))

    def close(self) -> None:
        """Nothing is open."""

    def _pods(self) -> bytes:
        metadata = {"name": CONTAINER.pod, "namespace": CONTAINER.namespace, "uid": CONTAINER.uid}
        status = {"containerStatuses": [self._told]}
        pod = {"metadata": metadata, "spec": {"containers": [{"name": CONTAINER.container}]}, "status": status}
        return json.dumps({"items": [] if self.is_deleted else [pod]}).encode()

    def _now(self) -> str:
        return f"2026-01-01T{self.seconds // 3600:02d}:{self.seconds // 60 % 60:02d}:{self.seconds % 60:02d}Z"

    def _status(self) -> dict[str, Any]:
        """As the kubelet has it now."""
        runs = [_run(number, times) for number, times in enumerate(self._times)]
        state = {"waiting": {"reason": "CrashLoopBackOff"}} if self.is_waiting else {"running": runs[-1]}
        before = runs[-1:] if self.is_waiting else runs[-2:-1]
        last = {"terminated": before[0]} if before else {}
        count, run = len(runs) - 1, runs[-1]["containerID"]
        name = CONTAINER.container
        return {"name": name, "restartCount": count, "containerID": run, "state": state, "lastState": last}

    def _log(self, call: Call, query: Mapping[str, str]) -> list[bytes]:
        if self.is_deleted:
            raise CallError(self.name, call, Reason.NOT_FOUND, "not found", 404)
        if query.get("previous") != "true" or self.is_waiting:
            return self.runs[-1]
        if len(self.runs) < 2:
            raise CallError(self.name, call, Reason.REFUSED, "previous terminated container not found", 400)
        return self.runs[-2]

    def _tail(self, log: list[bytes], query: Mapping[str, str]) -> list[bytes]:
        count = int(query.get("tailLines", len(log)))
        return log[len(log) - min(count, len(log)) :]


def _run(number: int, times: list[str]) -> dict[str, str]:
    return {"containerID": f"fake://{number}", **dict(zip(("startedAt", "finishedAt"), times, strict=False))}


class FakeStream:
    """Ends behind the last line that there is, as one that was cut does; a log that was opened stays readable."""

    def __init__(self, cluster: FakeCluster, log: list[bytes], start: int) -> None:
        self._cluster, self._log = cluster, log
        self._lines = list(log[start:])
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        while sent < len(self._lines):
            moment = self._cluster.moment()
            if self._is_closed:
                return
            newest = self._lines[-1]
            if newest in self._log:
                self._lines += self._log[self._log.index(newest) + 1 :]
            if moment in self._cluster.cut_moments:
                yield self._lines[sent][:-3]
                return
            yield self._lines[sent]
            sent += 1

    def close(self) -> None:
        """No line comes any more."""
        self._is_closed = True
