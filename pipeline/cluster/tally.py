"""What API servers were asked: counted where it is asked, shown by the metrics. Safe to use from any thread."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from pipeline.cluster.calls import Call

NO_ANSWER = "none"
"""In place of a code: the API server was not reached, or the connection broke."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the classes of times: from a neighbour to the time limit of a request."""


class CallKind(msgspec.Struct, frozen=True, order=True):
    """Calls that are counted together."""

    cluster: str
    verb: str  # get, list, watch
    resource: str  # pods, pods/log, rollouts
    code: str  # 2xx, 4xx …, or NO_ANSWER


class Times(msgspec.Struct, frozen=True):
    """How long calls of one cluster took until their answer began."""

    counts: tuple[int, ...] = (0,) * (len(SECONDS) + 1)  # of each class, the last one beyond all bounds
    total_seconds: float = 0.0

    def with_one(self, seconds: float) -> Times:
        """With one call more."""
        place = bisect_left(SECONDS, seconds)
        counts = tuple(count + (number == place) for number, count in enumerate(self.counts))
        return Times(counts, self.total_seconds + seconds)


class CallTally:
    """Counts of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[CallKind] = Counter()
        self._times: dict[str, Times] = {}
        self._open: Counter[tuple[str, str, str]] = Counter()

    def count(self, cluster: str, call: Call, status: int | None, seconds: float) -> None:
        """A call was answered, with this status of HTTP; None: it was not."""
        code = NO_ANSWER if status is None else f"{status // 100}xx"
        with self._lock:
            self._calls[CallKind(cluster, call.verb, call.resource, code)] += 1
            self._times[cluster] = self._times.get(cluster, Times()).with_one(seconds)

    def opened(self, cluster: str, call: Call) -> None:
        """An answer began that goes on."""
        with self._lock:
            self._open[cluster, call.verb, call.resource] += 1

    def closed(self, cluster: str, call: Call) -> None:
        """It ended."""
        with self._lock:
            self._open[cluster, call.verb, call.resource] -= 1

    def calls(self) -> Mapping[CallKind, int]:
        """How many there were of each kind."""
        with self._lock:
            return MappingProxyType(dict(self._calls))

    def times(self) -> Mapping[str, Times]:
        """How long they took, by cluster."""
        with self._lock:
            return MappingProxyType(dict(self._times))

    def open_streams(self) -> Mapping[tuple[str, str, str], int]:
        """Answers that go on now, by cluster, verb and resource."""
        with self._lock:
            return MappingProxyType(dict(self._open))
