"""Which time a record is given: its own where it can be believed, else that of its neighbours.

A time that jumps is believed when the next record agrees with it. Until then the record is held back, so that neither a
log that was silent over a weekend nor a single damaged time moves events to a day on which they did not happen.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from parsers.records import LogRecord, Origin

MAX_JUMP = timedelta(days=2)
"""A record further than this from its neighbour is believed only when the next one agrees with it."""
MAX_AHEAD = timedelta(days=1)
"""So is a first record further than this ahead of the time of reading."""
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No time beyond is believed: it could not be added to."""
MAX_HELD = 32
"""Records of one origin that are held back at most; those without a time wait with the one before them."""


class Placed(msgspec.Struct, frozen=True):
    """A record and the time it is given."""

    record: LogRecord
    at: datetime
    is_own: bool  # the record's own time


class OriginTimes(msgspec.Struct):
    """What is known of the times of one origin."""

    last_at: datetime | None = None
    started_at: datetime | None = None  # seconds-since-start lines count from here
    held: list[tuple[LogRecord, datetime | None]] = msgspec.field(default_factory=list)  # the first has a doubtful time


class StreamClock:
    """Times of the records of one stream."""

    def __init__(self, fallback_at: datetime) -> None:
        """`fallback_at` is the time of reading; records without any time get it."""
        self.newest_at: datetime | None = None
        self.fallback_at = fallback_at
        self.origins: dict[Origin, OriginTimes] = {}

    def place(self, record: LogRecord, received_at: datetime | None) -> list[Placed]:
        """The records whose time is certain now, in their order: none, this one, or those held back and this one."""
        times = self.origins.get(record.origin)
        if times is None:
            times = self.origins[record.origin] = OriginTimes()
        own_at = self._own_time(record, times)
        if own_at is None:
            if times.held and len(times.held) < MAX_HELD:
                times.held.append((record, None))
                return []
            fallback_at = received_at or self.fallback_at
            return [*self._release(times, fallback_at), Placed(record, times.last_at or fallback_at, False)]
        if self._is_doubtful(own_at, times):
            doubted_at = times.held[0][1] if times.held else None
            if doubted_at is None or abs(own_at - doubted_at) > MAX_JUMP:
                released = self._release(times, received_at or self.fallback_at)
                times.held.append((record, own_at))
                return released
            released = _believe(times)
        else:
            released = self._release(times, own_at)
        times.last_at = self.newest_at = own_at
        return [*released, Placed(record, own_at, True)]

    def finish(self) -> list[Placed]:
        """The stream has ended: what is still held back. A time that is past by now, after a pause, is believed."""
        released: list[Placed] = []
        for times in self.origins.values():
            doubted_at = times.held[0][1] if times.held else None
            if doubted_at is not None and (times.last_at or doubted_at) <= doubted_at <= self.fallback_at:
                released += _believe(times)
            released += self._release(times, self.fallback_at)
        return released

    def _own_time(self, record: LogRecord, times: OriginTimes) -> datetime | None:
        own_at = record.at
        if own_at is None and record.since_start_seconds is not None:
            own_at = self._time_since_start(record.since_start_seconds, times)
        return own_at if own_at is not None and own_at < LATEST else None

    def _time_since_start(self, seconds: float, times: OriginTimes) -> datetime | None:
        """A terminal's log has seconds since start only: durations are right, the time of day is the arrival's."""
        try:
            if times.started_at is None:
                times.started_at = self.fallback_at - timedelta(seconds=seconds)
            return times.started_at + timedelta(seconds=seconds)
        except OverflowError:
            return None

    def _is_doubtful(self, at: datetime, times: OriginTimes) -> bool:
        if times.last_at is None:
            return at - self.fallback_at > MAX_AHEAD
        return abs(at - times.last_at) > MAX_JUMP

    def _release(self, times: OriginTimes, fallback_at: datetime) -> list[Placed]:
        """What is held back has a time that nothing agrees with: its neighbour's is taken."""
        at = times.last_at or fallback_at
        released = [Placed(record, at, False) for record, _ in times.held]
        times.held.clear()
        return released


def _believe(times: OriginTimes) -> list[Placed]:
    """The doubtful time was right after all."""
    released: list[Placed] = []
    at = times.held[0][1]
    assert at is not None
    for record, own_at in times.held:
        at = own_at or at
        released.append(Placed(record, at, own_at is not None))
    times.held.clear()
    times.last_at = at
    return released
