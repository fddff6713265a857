"""More logs than may be followed at once."""

from __future__ import annotations

import pytest

from pipeline.sources.pod_logs.turns import Turns


class Log:
    """A `Holder`."""

    def __init__(self, *, may_give_way: bool = True) -> None:
        self.may_give_way = may_give_way
        self.asked = 0

    def give_way(self) -> None:
        self.asked += 1


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nobody_gives_way_before_the_turn_is_over(clock: Clock) -> None:
    """And then the one that has had it longest."""
    turns, first, second, waits = Turns(2, 10.0, clock), Log(), Log(), Log()
    assert turns.take(first, 0)
    clock.now = 1.0
    assert turns.take(second, 0)
    clock.now = 9.0
    assert not turns.take(waits, 0)
    assert (0, 0) == (first.asked, second.asked)
    clock.now = 12.0
    assert not turns.take(waits, 0)
    assert (1, 0) == (first.asked, second.asked)


def test_as_many_give_way_as_wait(clock: Clock) -> None:
    """However often they ask."""
    turns, logs, waits = Turns(3, 10.0, clock), [Log(), Log(), Log()], [Log(), Log()]
    assert all(turns.take(log, 0) for log in logs)
    clock.now = 10.0
    for _ in range(5):
        assert not any(turns.take(log, 0) for log in waits)
    assert [1, 1, 0] == [log.asked for log in logs]


def test_who_still_reads_keeps_its_turn(clock: Clock) -> None:
    """Until it may give way."""
    turns, reads, waits = Turns(1, 10.0, clock), Log(may_give_way=False), Log()
    assert turns.take(reads, 0)
    clock.now = 100.0
    assert not turns.take(waits, 0)
    assert 0 == reads.asked
    reads.may_give_way = True
    assert not turns.take(waits, 0)
    assert 1 == reads.asked


def test_the_order_is_that_of_waiting(clock: Clock) -> None:
    """Who gives way comes last; who ends while it waits is passed over."""
    turns, first, second, third, gone = Turns(1, 10.0, clock), Log(), Log(), Log(), Log()
    assert turns.take(first, 0)
    assert not any(turns.take(log, 0) for log in (gone, second, third))
    turns.end(gone)
    turns.end(first)
    assert not turns.take(first, 0)
    assert not turns.take(third, 0)
    assert turns.take(second, 0)
    turns.end(second)
    assert not turns.take(first, 0)
    assert turns.take(third, 0)
