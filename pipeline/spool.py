"""Events of several streams, merged by time in bounded memory.

Each stream is read to its end before the next one (an archive can be read in one direction only), so its events are put
aside: in memory while they are few, in an unnamed temporary file beyond that.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO

import msgspec

from parsers.events import AnyEvent, Event
from parsers.facts.seen import ObjectEvent
from pipeline.moments import Moment

MAX_EVENTS_IN_MEMORY = 50_000
_BATCH = 2_000

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[AnyEvent | ObjectEvent | Moment])


class EventSpool:
    """The events of one stream, in its order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.undated_at: datetime | None = None
        """The time of all events, where not one record of the stream had a time of its own."""
        self._recent: list[Event] = []
        self._file: IO[bytes] | None = None
        self._sizes: list[int] = []

    def put(self, event: Event) -> None:
        """Add the newest event."""
        self._recent.append(event)
        if len(self._recent) >= MAX_EVENTS_IN_MEMORY:
            self._write_out()

    def _write_out(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="whystuck-")  # noqa: SIM115  # lives as long as the spool
        for start in range(0, len(self._recent), _BATCH):
            encoded = _encoder.encode(self._recent[start : start + _BATCH])
            self._file.write(encoded)
            self._sizes.append(len(encoded))
        self._recent = []

    def __iter__(self) -> Iterator[Event]:
        if self.undated_at is None:
            yield from self._read()
        else:
            at = self.undated_at
            yield from (msgspec.structs.replace(event, at=at) for event in self._read())

    def _read(self) -> Iterator[Event]:
        if self._file is not None:
            self._file.seek(0)
            for size in self._sizes:
                yield from _decoder.decode(self._file.read(size))
        yield from self._recent

    def close(self) -> None:
        """Give the temporary file back."""
        if self._file is not None:
            self._file.close()
            self._file = None


def merge_by_time(spools: Iterable[EventSpool]) -> Iterator[Event]:
    """All events by time; within a stream its own order is kept even where a time steps back."""

    def keyed(number: int, spool: EventSpool) -> Iterator[tuple[float, int, int, Event]]:
        newest = float("-inf")
        for index, event in enumerate(spool):
            newest = max(newest, event.at.timestamp())
            yield newest, number, index, event

    ordered = sorted(spools, key=lambda spool: spool.name)
    for _, _, _, event in heapq.merge(*(keyed(number, spool) for number, spool in enumerate(ordered))):
        yield event
