"""An API server in memory: answers that were given to it, by resource, in their order."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from parsers.facts.seen import ObjectEvent
from pipeline.cluster.calls import Call
from pipeline.sources.objects.api import ApiError
from pipeline.sources.objects.list_watch import WatchState

AT = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def page(*items: Mapping[str, Any], version: str = "10", continued: str = "") -> bytes:
    """The body of a list."""
    meta = {"resourceVersion": version, "continue": continued}
    return json.dumps({"kind": "List", "metadata": meta, "items": list(items)}).encode()


def change(kind: str, item: Mapping[str, Any]) -> bytes:
    """A line of a watch."""
    return json.dumps({"type": kind, "object": item}).encode()


def bookmark(version: str) -> bytes:
    """A line that says how far the watch is."""
    return change("BOOKMARK", {"kind": "Any", "metadata": {"resourceVersion": version}})


def expired() -> bytes:
    """A line that says that the version is too old."""
    return change("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


def replica_set(name: str, version: str, *, wanted: int = 3, has: int = 3) -> dict[str, Any]:
    """A ReplicaSet as a list holds it: without its kind."""
    owner = {"kind": "Rollout", "name": "api", "controller": True}
    return {
        "metadata": {"name": name, "namespace": "shop", "resourceVersion": version, "ownerReferences": [owner]},
        "spec": {"replicas": wanted},
        "status": {"replicas": has},
    }


class FakeApi:
    """Answers by plural; the last answer of a kind is given again and again."""

    def __init__(self) -> None:
        self.lists: dict[str, list[bytes | ApiError]] = {}
        self.watches: dict[str, list[list[bytes | ApiError] | ApiError]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.streaming = 0  # watches that say nothing and go on
        self._is_cut = threading.Event()

    def get(self, call: Call, query: Mapping[str, str]) -> bytes:
        path = call.path
        self.asked.append((path, dict(query)))
        answers = self.lists.get(path.rpartition("/")[2], [page()])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, ApiError):
            raise answer
        return answer

    def stream(self, call: Call, query: Mapping[str, str]) -> Iterator[bytes]:
        path = call.path
        self.asked.append((path, dict(query)))
        answers = self.watches.get(path.rpartition("/")[2])
        if answers is None:
            self.streaming += 1
            self._is_cut.wait()  # nothing changes
            self.streaming -= 1
            return
        answer = answers.pop(0) if answers else ApiError("nothing more was given to the fake")
        if isinstance(answer, ApiError):
            raise answer
        for line in answer:
            if isinstance(line, ApiError):
                raise line
            yield line

    def cut(self) -> None:
        self._is_cut.set()
        self._is_cut = threading.Event()

    def close(self) -> None:
        self._is_cut.set()


class Stepping:
    """Where a watch runs in a test: pauses pass at once, and after so many of them it is told to end."""

    def __init__(self, *, pauses: int = 0, announced: int = -1) -> None:
        """`announced`: the pause in which somebody says that the kind is there now."""
        self._announced = announced
        self.events: list[ObjectEvent] = []
        self.states: list[WatchState] = []
        self.pauses: list[float] = []
        self._most_pauses = pauses

    def is_stopping(self) -> bool:
        return len(self.pauses) > self._most_pauses

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return len(self.pauses) - 1 == self._announced

    def now(self) -> datetime:
        return AT

    def jitter(self) -> float:
        return 1.0

    def put(self, event: ObjectEvent) -> None:
        self.events.append(event)

    def told(self, state: WatchState) -> None:
        self.states.append(state)
