"""What a printed count says about time."""

from __future__ import annotations

import pytest

from pipeline.engine.backoff import Pace, pace_of, seconds_until, wait_after

REACHED_AFTER = {
    1: 0.0,
    2: 0.001,
    14: 8.191,
    15: 16.383,
    20: 66.383,
    50: 366.383,
    100: 866.383,
    371: 3_576.383,
    8_224: 82_106.383,
}


@pytest.mark.parametrize(("count", "seconds"), REACHED_AFTER.items(), ids=map(str, REACHED_AFTER))
def test_count_is_reached_after_the_waits_before_it(count: int, seconds: float) -> None:
    """14: 8 s, 20: 66 s, 50: 6.1 min, 100: 14.4 min, 371: 59.6 min, 8224: 22.8 h."""
    assert seconds == pytest.approx(seconds_until(count))


@pytest.mark.parametrize("count", [0, -1])
def test_no_count_takes_no_time(count: int) -> None:
    """Counts that no controller prints do no harm."""
    assert 0.0 == seconds_until(count)


@pytest.mark.parametrize("count", [1, 5, 13, 14, 15, 16, 400])
def test_wait_is_the_step_of_the_sum(count: int) -> None:
    """What the queue waits after a count is what separates it from the next."""
    assert wait_after(count) == pytest.approx(seconds_until(count + 1) - seconds_until(count))


PACES = {
    "one in ten seconds": (0.1, 40, Pace.FAILING),
    "events add to it": (0.5, 40, Pace.FOUGHT_OVER),
    "each attempt hangs for 30 s": (0.025, 40, Pace.SLOW),
    "the waits still double": (0.1, 14, Pace.UNKNOWN),
    "one line only": (None, 40, Pace.UNKNOWN),
}


@pytest.mark.parametrize(("slope", "count", "pace"), PACES.values(), ids=PACES)
def test_pace_follows_from_the_slope(slope: float | None, count: int, pace: Pace) -> None:
    """Failing, fought over, slow, or not known."""
    assert pace is pace_of(slope, count)
