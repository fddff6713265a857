"""How far reading each partition has come."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pipeline.sources.kafka.clients import Partition
from pipeline.sources.kafka.pacing import Pace
from pipeline.sources.live import StreamLag


class Progress(msgspec.Struct, frozen=True):
    """One partition."""

    next_offset: int  # of the record that is handed out next
    end: int | None = None  # offset behind the newest record, as far as is known
    newest_at: float | None = None  # the broker's time of the last record handed out, seconds since 1970
    is_read: bool = True  # no: its topic is not there now
    topic_id: str = ""
    cluster_id: str = ""

    @property
    def is_behind(self) -> bool:
        """Whether there is something to read; what is not known is not counted."""
        return self.is_read and self.end is not None and self.end > self.next_offset


class ProgressTable:
    """All partitions. One thread writes; any may read: entries are replaced as a whole."""

    def __init__(self) -> None:
        self._entries: dict[Partition, Progress] = {}

    def __contains__(self, partition: Partition) -> bool:
        return partition in self._entries

    def __getitem__(self, partition: Partition) -> Progress:
        return self._entries[partition]

    def entries(self) -> Mapping[Partition, Progress]:
        """All, as they are now."""
        return self._entries.copy()

    def clear(self) -> None:
        """Forget everything."""
        self._entries = {}

    def place(self, partition: Partition, offset: int, *, topic_id: str, cluster_id: str) -> None:
        """Go on here, with nothing known of what was before."""
        self._entries[partition] = Progress(offset, topic_id=topic_id, cluster_id=cluster_id)

    def get(self, partition: Partition) -> Progress | None:
        """One of them."""
        return self._entries.get(partition)

    def forget(self, partition: Partition) -> None:
        """There is no such partition any more."""
        self._entries.pop(partition, None)

    def note_read(self, partition: Partition, next_offset: int, newest_at: float | None) -> None:
        """Records up to an offset were handed out."""
        old = self._entries[partition]
        newest_at = old.newest_at if newest_at is None else newest_at
        self._entries[partition] = msgspec.structs.replace(old, next_offset=next_offset, newest_at=newest_at)

    def note_end(self, partition: Partition, end: int | None) -> None:
        """The end of a partition became known."""
        old = self._entries[partition]
        if end is not None and end != old.end:
            self._entries[partition] = msgspec.structs.replace(old, end=end)

    def note_presence(self, partition: Partition, *, is_read: bool) -> None:
        """A partition is there, or is not."""
        self._entries[partition] = msgspec.structs.replace(self._entries[partition], is_read=is_read)

    def paces(self) -> dict[Partition, Pace]:
        """For the pacer."""
        return {
            each: Pace(progress.newest_at, progress.is_behind)
            for each, progress in self._entries.items()
            if progress.is_read
        }

    def behind(self) -> list[Partition]:
        """Partitions that hold something to read, or of which that is not known."""
        return [
            each
            for each, progress in self._entries.items()
            if progress.is_read and (progress.is_behind or progress.end is None)
        ]

    def lags(self, now: float) -> dict[str, StreamLag]:
        """How far reading is behind, by stream. `now` is in seconds since 1970."""
        return {each.stream: _lag(progress, now) for each, progress in self.entries().items()}


def _lag(progress: Progress, now: float) -> StreamLag:
    if progress.end is None:
        return StreamLag(None, None)
    records = max(0, progress.end - progress.next_offset)
    if records == 0:
        return StreamLag(0, 0.0)
    return StreamLag(records, None if progress.newest_at is None else max(0.0, now - progress.newest_at))
