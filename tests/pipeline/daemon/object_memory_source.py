"""A watch of objects in memory that keeps the promises of `LiveSource`: what is seen comes when its time has come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectEvent, ObjectSeen, ObjectsListed
from pipeline.sources.live import Fetched, SourceStatus


class ObjectMemorySource:
    """Observations by time. Each start lists what there is by then, as a watch of an API server does."""

    name = "objects"

    def __init__(self, events: Sequence[ObjectSeen], now: Callable[[], datetime]) -> None:
        """`now` must not move the time."""
        self._events = sorted(events, key=lambda one: one.at)
        self._now = now
        self._next_line = 0
        self._taken = 0
        self._listing: list[ObjectEvent] = []
        self._is_started = False
        self._lock = threading.Lock()

    def start(self, positions: Mapping[str, bytes]) -> None:
        with self._lock:
            at = self._now()
            self._next_line = int(positions.get("all", b"0"))
            past = [one for one in self._events if one.at <= at]
            self._taken = len(past)
            there: dict[ObjectRef, ObjectSeen] = {}
            for one in past:
                there.pop(one.facts.ref, None)
                if not one.is_deleted:
                    there[one.facts.ref] = one
            self._listing = [msgspec.structs.replace(one, at=at) for one in there.values()]
            for kind in sorted({ref.kind for ref in there}):
                refs = tuple(ref for ref in there if ref.kind == kind)
                self._listing.append(ObjectsListed(at, past[0].origin, 0, kind, refs))
            self._is_started = True

    def read(self, timeout_seconds: float) -> Fetched | None:
        with self._lock:
            due = [one for one in self._events[self._taken :] if one.at <= self._now()]
            self._taken += len(due)
            events = (*self._listing, *due)
            self._listing = []
            if events:
                self._next_line += len(events)
                return Fetched("all", (), self._next_line, objects=events)
        threading.Event().wait(min(timeout_seconds, 0.002))
        return None

    def position(self, stream: str, line: int) -> bytes:
        del stream
        return b"%d" % line

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        """Nobody is told."""

    def status(self) -> SourceStatus:
        with self._lock:
            at = self._now()
            is_dry = self._is_started and not self._listing and not any(one.at <= at for one in self._waiting())
            told_until = at.timestamp() if is_dry else None
            return SourceStatus(is_connected=True, is_caught_up=is_dry, lags={}, told_until_seconds=told_until)

    def _waiting(self) -> Sequence[ObjectSeen]:
        return self._events[self._taken :]

    def close(self) -> None:
        """Nothing is open."""
