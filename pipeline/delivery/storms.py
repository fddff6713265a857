"""Many new incidents at once: after so many messages the rest comes as one."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta


class StormWatch:
    """Of one receiver. Not stored: after a restart it counts anew."""

    def __init__(self, limit: int, seconds: float) -> None:
        """Watch.

        Args:
            limit: messages about new incidents.
            seconds: within this time.
        """
        self._limit = limit
        self._window = timedelta(seconds=seconds)
        self._told_at: deque[datetime] = deque(maxlen=max(limit, 1))

    def note(self, at: datetime) -> None:
        """A new incident was told by itself."""
        self._told_at.append(at)

    def is_storm(self, at: datetime) -> bool:
        """Whether the next new incident is told with others."""
        return len(self._told_at) >= self._limit and self._told_at[0] > at - self._window
