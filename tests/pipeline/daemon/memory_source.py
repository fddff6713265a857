"""A live source that holds its records in memory and keeps the promises of `LiveSource`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import msgspec

from parsers.records import Block, Origin
from pipeline.sources.live import Fetched, SourceStatus, StreamLag


class Record(msgspec.Struct, frozen=True):
    """One record of a partition."""

    value: bytes
    origin: Origin
    seconds: float = 0.0  # the broker's time


class MemorySource:
    """Partitions of records; reads go round them, some records at a time."""

    name = "memory"

    def __init__(self, partitions: Mapping[str, Sequence[Record]], records_per_read: int = 50) -> None:
        self.partitions = {stream: list(records) for stream, records in partitions.items()}
        self.acknowledged: dict[str, int] = {}
        self.starts = 0
        self._per_read = records_per_read
        self._next: dict[str, int] = {}
        self._turn = 0
        self._lock = threading.Lock()

    def start(self, positions: Mapping[str, bytes]) -> None:
        with self._lock:
            self.starts += 1
            self._next = {stream: int(positions.get(stream, b"0")) for stream in self.partitions}

    def read(self, timeout_seconds: float) -> Fetched | None:
        with self._lock:
            streams = sorted(self.partitions)
            for _ in streams:
                stream = streams[self._turn % len(streams)]
                self._turn += 1
                first = self._next[stream]
                records = self.partitions[stream][first : first + self._per_read]
                if records:
                    self._next[stream] = first + len(records)
                    return Fetched(stream, _blocks(records, first), first + len(records), records[-1].seconds)
        threading.Event().wait(min(timeout_seconds, 0.005))
        return None

    def position(self, stream: str, line: int) -> bytes:
        del stream
        return b"%d" % line

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        self.acknowledged.update(lines)

    def is_taken(self) -> bool:
        """Whether everything that there is was decided upon, and is in the store."""
        return all(self.acknowledged.get(stream) == len(records) for stream, records in self.partitions.items())

    def status(self) -> SourceStatus:
        with self._lock:
            lags = {
                stream: StreamLag(len(records) - self._next.get(stream, 0), None)
                for stream, records in self.partitions.items()
            }
        is_caught_up = bool(self._next) and all(lag.records == 0 for lag in lags.values())
        return SourceStatus(is_connected=True, is_caught_up=is_caught_up, lags=lags)

    def close(self) -> None:
        """Nothing is open."""


def _blocks(records: Sequence[Record], first: int) -> tuple[Block, ...]:
    by_origin: dict[Origin, list[tuple[int, bytes]]] = {}
    for number, record in enumerate(records, first):
        by_origin.setdefault(record.origin, []).append((number, record.value))
    return tuple(
        Block(
            b"".join(value + b"\n" for _, value in lines),
            origin,
            line_numbers=[number for number, value in lines for _ in value.split(b"\n")],
        )
        for origin, lines in by_origin.items()
    )
