"""A live source of objects that holds what it shows in memory, and shows everything again after a start."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from parsers.facts.seen import ObjectEvent
from pipeline.sources.live import Fetched, SourceStatus


class ObjectsInMemory:
    """Keeps the promises of `ObjectSource`: numbers go on from the position, whatever they are numbers of."""

    name = "objects"

    def __init__(self, events: Sequence[ObjectEvent], *, per_read: int = 5, stream: str = "objects") -> None:
        self._events = list(events)
        self._per_read = per_read
        self._stream = stream
        self._shown = 0
        self._next = 0
        self._is_started = False

    def start(self, positions: Mapping[str, bytes]) -> None:
        self._shown, self._next = 0, int(positions.get(self._stream, b"0"))
        self._is_started = True

    def read(self, timeout_seconds: float) -> Fetched | None:
        events = self._events[self._shown : self._shown + self._per_read]
        if not events:
            threading.Event().wait(min(timeout_seconds, 0.005))
            return None
        self._shown += len(events)
        begin, self._next = self._next, self._next + len(events)
        numbered = tuple(msgspec.structs.replace(event, line=line) for line, event in enumerate(events, begin))
        return Fetched(self._stream, (), self._next, objects=numbered)

    def position(self, stream: str, line: int) -> bytes:
        del stream
        return b"%d" % line

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        """Nobody is told."""

    def status(self) -> SourceStatus:
        is_caught_up = self._is_started and self._shown == len(self._events)
        return SourceStatus(True, is_caught_up, {}, told_until_seconds=self._newest() if is_caught_up else None)

    def _newest(self) -> float | None:
        times: list[datetime] = [event.at for event in self._events]
        return max(times).timestamp() if times else None

    def close(self) -> None:
        """Nothing is open."""
