"""When lines are sent, and how their times are moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.producer import plan

START = datetime(2027, 1, 1, tzinfo=UTC)
LINES = [
    b'time="2026-03-01T12:00:00Z" msg="certificate ended 2026-02-28T12:00:00.25Z"',
    b"a line without a time",
    b'time="2026-03-01T12:10:00Z"',
]


def test_real_time() -> None:
    """Every line has the time at which it is sent; other times keep their distance, and their fractions."""
    first, second, last = plan(LINES, START, 1.0)

    assert [0.0, 0.0, 600.0] == [first.after_seconds, second.after_seconds, last.after_seconds]
    assert b'time="2027-01-01T00:00:00Z" msg="certificate ended 2026-12-31T00:00:00.25Z"' == first.value
    assert (LINES[1], START) == (second.value, second.at)
    assert START + timedelta(minutes=10) == last.at


def test_accelerated_time_is_never_of_the_future() -> None:
    """Distances in the lines stay, so the first line is older than its sending."""
    plays = list(plan(LINES, START, 60.0))

    assert [0.0, 0.0, 10.0] == [play.after_seconds for play in plays]
    assert START + timedelta(seconds=10) == plays[-1].at
    assert timedelta(minutes=10) == plays[-1].at - plays[0].at


def test_kept_times() -> None:
    """The bytes are those of the log."""
    assert LINES == [play.value for play in plan(LINES, START, 60.0, move=False)]


def test_a_log_without_times_is_refused() -> None:
    """Nobody knows when its lines should be sent."""
    with pytest.raises(ValueError, match="no line has a time"):
        list(plan([b"nothing"], START, 1.0))
