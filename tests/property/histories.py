"""Histories of controllers: passes, failures, retries, restarts, changes of the leader; several keys and causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st

from parsers.events import (
    ControllerStarted,
    Event,
    FailureSeen,
    KeyDeleted,
    LeaderElected,
    LeaderLost,
    ObjectKey,
    RetryCounted,
    SyncCompleted,
    SyncFailed,
    SyncRefused,
)
from parsers.records import Origin
from tests.pipeline.engine.builders import BEGIN, failure

KEYS = (ObjectKey("rollout", "shop", "web"), ObjectKey("rollout", "shop", "api"), ObjectKey("experiment", "lab", "try"))
CALM = ObjectKey("rollout", "shop", "calm")
"""Each process begins with a healthy pass of it: the log level is info."""
PODS = (
    Origin(source="a.log", cluster="eu", pod="rollouts-1"),
    Origin(source="b.log", cluster="eu", pod="rollouts-2"),
    Origin(source="c.log", cluster="us"),
)
APIEXT = Origin(source="apiext.log", cluster="eu", namespace="emissary-system", pod="emissary-apiext-1")
CAUSES = ("expired", "hanging", "admission", "conflict", "deadline", "refused", "the frobnicator is sad")
GAPS = (0.001, 0.5, 1.0, 3.0, 10.0, 10.0, 30.0, 61.0, 700.0)
KEYLESS = ("reflector", "lease", "fatal")
STEPS = (*["fail"] * 12, *["pass"] * 2, "delete", "refuse", *KEYLESS, "restart", "switch", "other")
STEADY_STEPS = tuple(step for step in STEPS if step not in KEYLESS)

Streams = dict[Origin, list[Event]]
_T = TypeVar("_T")
Choose = Callable[[Sequence[_T]], _T]


class Story:
    """A cluster's controllers, of which one leads and syncs; what each of them and another component print."""

    def __init__(self, choose: Callable[[Sequence[object]], object], *, is_steady: bool) -> None:
        """`is_steady`: a key always fails for the same reason, and nothing else is wrong with the controller."""
        self.streams: Streams = {}
        self._choose: Callable[..., object] = choose
        self._causes = {key: choose(CAUSES) for key in KEYS}
        self._is_steady = is_steady
        self._at = BEGIN
        self._leader = PODS[0]
        self._counts = dict.fromkeys(KEYS, choose((0, 0, 12, 300)))
        self._print(SyncCompleted, CALM)

    def step(self) -> None:
        """One thing happens."""
        self._at += timedelta(seconds=float(self._choose(GAPS)))  # type: ignore[arg-type]
        key = self._choose(KEYS)
        assert isinstance(key, ObjectKey)
        if not self._is_steady and self._choose(range(8)) == 0:
            self._causes[key] = self._choose(CAUSES)
        steps = STEADY_STEPS if self._is_steady else STEPS
        self._happen(str(self._choose(steps)), key, failure(str(self._causes[key])))

    def _happen(self, step: str, key: ObjectKey, found: object) -> None:
        match step:
            case "fail":
                self._counts[key] = int(self._counts[key]) + int(self._choose((1, 1, 1, 3)))  # type: ignore[call-overload]
                self._print(SyncCompleted, key)
                self._at += timedelta(milliseconds=1)
                self._print(SyncFailed, key, found)
                self._print(RetryCounted, key, self._counts[key])
            case "pass" | "delete":
                self._counts[key] = 0
                self._print(SyncCompleted if step == "pass" else KeyDeleted, key)
            case "refuse":
                self._print(SyncRefused, key, failure("invalid"))
                self._print(SyncCompleted, key)
            case "restart" | "switch":
                self._print(LeaderLost, "lock")
                if step == "switch":
                    self._leader = self._choose(PODS)  # type: ignore[assignment]
                self._at += timedelta(seconds=3)
                self._begin()
            case "other":
                self._print(FailureSeen, found, "other", origin=APIEXT)
            case _:
                self._print(FailureSeen, failure("lease") if step == "lease" else found, step, None, step == "fatal")

    def _begin(self) -> None:
        self._counts = dict.fromkeys(KEYS, 0)
        self._print(ControllerStarted, "v1.7.1")
        self._print(LeaderElected, "id")
        self._print(SyncCompleted, CALM)

    def _print(self, kind: Callable[..., Event], *facts: object, origin: Origin | None = None) -> None:
        origin = origin or self._leader
        stream = self.streams.setdefault(origin, [])
        stream.append(kind(self._at, origin, len(stream) + 1, *facts))


def tell(choose: Callable[[Sequence[object]], object], *, steps: int, is_steady: bool) -> Streams:
    """The streams of a story, every choice in it made by `choose`."""
    story = Story(choose, is_steady=is_steady)
    for _ in range(steps):
        story.step()
    return story.streams


@st.composite
def histories(draw: st.DrawFn, *, is_steady: bool = False, most_steps: int = 60) -> Streams:
    """The events of some origins, each in its own order, times rising within it."""
    randomness = draw(st.randoms(use_true_random=False))
    return tell(randomness.choice, steps=draw(st.integers(1, most_steps)), is_steady=is_steady)


@st.composite
def interleavings(draw: st.DrawFn, streams: Streams) -> list[Event]:
    """All events of all origins, each origin in its own order, mixed in some way."""
    turns = draw(st.permutations([origin for origin, events in streams.items() for _ in events]))
    left = {origin: iter(events) for origin, events in streams.items()}
    return [next(left[origin]) for origin in turns]
