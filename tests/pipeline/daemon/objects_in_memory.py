"""A live source of objects that holds what it shows in memory, and shows everything again after a start."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from parsers.facts.seen import ObjectEvent
from pipeline.sources.live import Fetched, SourceStatus

LATER_SECONDS = 40


class ObjectsInMemory:
    """Keeps the promises of `ObjectSource`: numbers go on from the position, whatever they are numbers of."""

    name = "objects"

    def __init__(
        self,
        events: Sequence[ObjectEvent],
        later: Sequence[ObjectEvent] = (),
        *,
        per_read: int = 5,
        stream: str = "objects",
        is_watched_on: bool = False,
    ) -> None:
        """Prepare.

        Args:
            events: shown at once.
            later: shown after `LATER_SECONDS`.
            per_read: how many a read gives.
            stream: its name.
            is_watched_on: time goes on by a second whenever the daemon's loop looks at the status.
        """
        self._later = list(later)
        self._events = list(events)
        self._is_watched_on = is_watched_on
        self._seconds = 0
        self._per_read = per_read
        self._stream = stream
        self._shown = 0
        self._next = 0
        self._acknowledged = -1
        self._is_started = False

    def start(self, positions: Mapping[str, bytes]) -> None:
        self._shown, self._next = 0, int(positions.get(self._stream, b"0"))
        self._is_started = True

    def read(self, timeout_seconds: float) -> Fetched | None:
        if self._later and self._seconds >= LATER_SECONDS:
            at = datetime.fromtimestamp(self._newest() or 0.0, UTC)
            self._events += [msgspec.structs.replace(event, at=at) for event in self._later]
            self._later, self._seconds = [], 0
        events = self._events[self._shown : self._shown + self._per_read]
        if not events:
            threading.Event().wait(min(timeout_seconds, 0.005))
            return None
        self._shown += len(events)
        begin, self._next = self._next, self._next + len(events)
        numbered = tuple(msgspec.structs.replace(event, line=line) for line, event in enumerate(events, begin))
        return Fetched(self._stream, (), self._next, objects=numbered)

    def is_taken(self) -> bool:
        """Whether everything was shown and is in the store, and time has gone on for long afterwards."""
        is_later = not self._is_watched_on or self._seconds >= LATER_SECONDS
        return not self._later and is_later and self._acknowledged == self._next

    def position(self, stream: str, line: int) -> bytes:
        del stream
        return b"%d" % line

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        self._acknowledged = lines.get(self._stream, self._acknowledged)

    def status(self) -> SourceStatus:
        if threading.current_thread() is threading.main_thread():  # that of the daemon's loop
            self._seconds += self._is_watched_on
        is_caught_up = self._is_started and self._shown == len(self._events)
        return SourceStatus(True, is_caught_up, {}, told_until_seconds=self._newest() if is_caught_up else None)

    def _newest(self) -> float | None:
        times: list[datetime] = [event.at for event in self._events]
        return max(times).timestamp() + self._seconds if times else None

    def close(self) -> None:
        """Nothing is open."""
