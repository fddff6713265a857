"""Streams that will never give anything again: what is stored of them goes when their time is over, too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pipeline.readers import StreamReaders

Place = tuple[str, str]
"""Source and stream."""


class StreamsOver:
    """Those known to be over. As long as incidents may be worked out from what was read of one, it is kept."""

    def __init__(self) -> None:
        self.dropped: set[Place] = set()  # nothing of them has to be kept: the next commit deletes it
        self._over: set[Place] = set()

    def add(self, place: Place) -> None:
        """A stream is over."""
        self._over.add(place)

    def forget(self, before: datetime, streams: Mapping[Place, StreamReaders]) -> set[Place]:
        """Drop those whose last line is of before a moment; which ones that are."""
        for place in self._over:
            times = [log.last_at for log in streams[place].watched() if log.last_at is not None]
            if max(times, default=before) <= before:
                self.dropped.add(place)
        return self.dropped

    def take_dropped(self) -> set[Place]:
        """What was dropped is deleted."""
        dropped, self.dropped = self.dropped, set()
        self._over -= dropped
        return dropped
