"""Which time a record is given where its own is missing, jumps or cannot be true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from parsers.event_times import MAX_HELD, StreamClock
from parsers.records import Format, Level, LogRecord, Origin

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
READ_AT = NOON + timedelta(days=30)
RECEIVED_AT = NOON + timedelta(days=1)
ORIGIN = Origin(source="log")
DAYS = 86_400.0


def _record(seconds: float | None, *, origin: Origin = ORIGIN, since_start: float | None = None) -> LogRecord:
    at = NOON + timedelta(seconds=seconds) if seconds is not None else None
    return LogRecord("x", {}, Level.INFO, Format.LOGFMT, origin, 1, 1, at, since_start_seconds=since_start)


def _places(*records: LogRecord) -> list[float]:
    """Seconds after noon that the records are given, in the order in which they come out."""
    clock = StreamClock(READ_AT)
    placed = [one for record in records for one in clock.place(record, RECEIVED_AT)] + clock.finish()
    assert [id(record) for record in records] == [id(one.record) for one in placed]
    return [(one.at - NOON).total_seconds() for one in placed]


PLACES: dict[str, tuple[list[float | None], list[float]]] = {
    "own times": ([0, 1, 2], [0, 1, 2]),
    "a step back": ([0, 10, 5], [0, 10, 5]),
    "none: the neighbour's": ([0, None, 2], [0, 0, 2]),
    "none at all: the arrival": ([None, None], [DAYS, DAYS]),
    "none at first": ([None, 5], [DAYS, 5]),
    "a pause of three days": ([0, 3 * DAYS, 3 * DAYS + 1], [0, 3 * DAYS, 3 * DAYS + 1]),
    "a pause, then one without a time": ([0, 3 * DAYS, None, 3 * DAYS + 1], [0, 3 * DAYS, 3 * DAYS, 3 * DAYS + 1]),
    "a pause before the last one": ([0, 3 * DAYS], [0, 3 * DAYS]),
    "one that nothing agrees with": ([0, 1, 9 * DAYS, 2, 3], [0, 1, 1, 2, 3]),
    "two that nothing agrees with": ([0, 9 * DAYS, 20 * DAYS, 3], [0, 0, 0, 3]),
    "one in the future at the end": ([0, 1, 900 * DAYS], [0, 1, 1]),
    "one of the past at the end": ([0, 1, -900 * DAYS], [0, 1, 1]),
    "a first one in the future": ([900 * DAYS, 1, 2], [1, 1, 2]),
    "a clock that was set back for good": ([0, -5 * DAYS, -5 * DAYS + 1], [0, -5 * DAYS, -5 * DAYS + 1]),
    "beyond all calendars": ([0, 2_600_000 * DAYS, 2_600_000 * DAYS, 3], [0, 0, 0, 3]),
}


@pytest.mark.parametrize(("seconds", "expected"), PLACES.values(), ids=PLACES)
def test_record_is_placed(seconds: list[float | None], expected: list[float]) -> None:
    """In the log's own order, none lost."""
    assert expected == _places(*map(_record, seconds))


def test_origins_have_their_own_neighbours() -> None:
    """Two pods in one file may be days apart."""
    other = Origin(source="log", pod="other")
    assert [0, 5 * DAYS, 0, 5 * DAYS] == _places(
        _record(0), _record(5 * DAYS, origin=other), _record(None), _record(None, origin=other)
    )


@pytest.mark.parametrize("seconds", [0.0, 1e9, 1e300, float("inf")])
def test_seconds_since_start_keep_their_distances(seconds: float) -> None:
    """A terminal's log tells durations; impossible ones are no time."""
    clock = StreamClock(READ_AT)
    placed = [clock.place(_record(None, since_start=seconds + more), RECEIVED_AT)[0].at for more in (0, 10)]
    assert placed[1] - placed[0] in (timedelta(seconds=10), timedelta(0))


def test_little_is_held_back() -> None:
    """Records without a time behind a doubtful one do not pile up."""
    clock = StreamClock(READ_AT)
    records = [_record(0), _record(9 * DAYS), *(_record(None) for _ in range(3 * MAX_HELD))]
    out = [one for record in records for one in clock.place(record, RECEIVED_AT)]
    assert len(records) - len(out) <= MAX_HELD
