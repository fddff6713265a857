"""How far the sources have told the story: by their times, and by what is left to read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from pipeline.daemon.pump import Pump
from pipeline.sources.live import Fetched, SourceStatus

LIVE_SECONDS = 10.0
"""A stream that is behind by more is being caught up with."""


class Told:
    """What the sources of a daemon have handed out, and what they still hold."""

    def __init__(self, pumps: Mapping[str, Pump]) -> None:
        self._pumps = pumps
        self._newest_seconds: dict[tuple[str, str], float] = {}  # the sources' time of the newest record

    def note(self, source: str, fetched: Fetched) -> None:
        """Something was read."""
        if fetched.newest_at_seconds is not None:
            self._newest_seconds[source, fetched.stream] = fetched.newest_at_seconds

    def until(self, now: datetime) -> datetime | None:
        """The time up to which it is told, whatever the sources' clocks: never beyond ours. None: nothing was read."""
        quiet = (pump.status().told_until_seconds for pump in self._pumps.values())
        known = [*self._newest_seconds.values(), *(at for at in quiet if at is not None)]
        return min(now, datetime.fromtimestamp(max(known), UTC)) if known else None

    def streams_behind(self) -> list[tuple[str, str]]:
        """Source and stream of what is not read to its end."""
        return [
            (name, stream)
            for name, pump in self._pumps.items()
            for stream, lag in pump.status().lags.items()
            if lag.records
        ]

    def is_catching_up(self) -> bool:
        """Whether any source is behind."""
        return not all(is_live(pump.status()) for pump in self._pumps.values())


def is_live(status: SourceStatus) -> bool:
    """Whether no stream of a source is behind."""
    return all(lag <= LIVE_SECONDS for lag in _lags(status))


def _lags(status: SourceStatus) -> Iterator[float]:
    """Seconds that each stream is behind; where only records are known to be left, it may be any."""
    for lag in status.lags.values():
        if lag.seconds is not None:
            yield lag.seconds
        elif lag.records:
            yield math.inf
