"""Which logs are read, and over which time: what a log does not say counts only while it was being read.

A log without a single line that matters makes no event. That it was read, and is silent, has to be told apart from a
log that was never given.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from parsers.records import Origin
from pipeline.engine.products import is_log_of


class WatchedLog(msgspec.Struct, frozen=True):
    """A log that is read; times are those of its first and last record, None where they are not known."""

    origin: Origin
    first_at: datetime | None = None
    last_at: datetime | None = None


class WatchedLogs:
    """All logs that are read, of all clusters: which cluster a log is of may show in its lines only."""

    def __init__(self) -> None:
        self._by_source: dict[str, dict[Origin, WatchedLog]] = {}

    def add(self, log: WatchedLog) -> None:
        """A log is read; told again, it was read further."""
        self._by_source.setdefault(log.origin.source, {})[log.origin] = log

    def forget(self, before: datetime) -> None:
        """Forget logs that ended before a moment."""
        for source, logs in list(self._by_source.items()):
            kept = {origin: log for origin, log in logs.items() if log.last_at is None or log.last_at >= before}
            if kept:
                self._by_source[source] = kept
            else:
                del self._by_source[source]

    def since(self, origin: Origin, met_at: datetime) -> datetime:
        """Since when an origin was watched, which was met first at `met_at`: at the latest since then."""
        known = [log.first_at for log in self._of(origin) if log.first_at is not None]
        return min([met_at, *known])

    def until(self, origin: Origin, met_at: datetime) -> datetime:
        """Until when an origin was watched, which was met last at `met_at`."""
        known = [log.last_at for log in self._of(origin) if log.last_at is not None]
        return max([met_at, *known])

    def heard_until(self, origin: Origin) -> datetime | None:
        """The time of the newest line that was read of exactly this origin, None where that is not known."""
        log = self._by_source.get(origin.source, {}).get(origin)
        return log.last_at if log is not None else None

    def has_log_of(self, services: Iterable[str]) -> bool:
        """Whether the log of a pod behind one of some Services is read."""
        names = tuple(services)
        return any(is_log_of(log.origin, names) for logs in self._by_source.values() for log in logs.values())

    def _of(self, origin: Origin) -> Iterable[WatchedLog]:
        return self._by_source.get(origin.source, {}).values()
