"""Restarts at every moment between looking up the status, opening a log and its first line."""

from __future__ import annotations

import random

import pytest

from tests.pipeline.sources.pod_logs.fake_cluster import FakeCluster
from tests.pipeline.sources.pod_logs.reading import Reading

MOMENTS = range(1, 45)
LAGS = (0, 1, 2, 3, 5, 8, 1000)


def _read_with_restarts(moments: tuple[int, ...], lag: int, lines: int) -> tuple[Reading, FakeCluster]:
    def at_moment(cluster: FakeCluster, moment: int) -> None:
        if moment in moments:
            cluster.restart(lines)
        if moment - lag in moments:
            cluster.tell()

    cluster = FakeCluster(at_moment)
    cluster.write(5)
    reading = Reading(cluster)
    reading.attempt(6)
    reading.finish()
    reading.check()
    return reading, cluster


@pytest.mark.parametrize("lag", LAGS)
def test_one_restart_loses_nothing(lag: int) -> None:
    """Whenever it comes, and however late the status tells of it: all is served still."""
    for moment in MOMENTS:
        reading, cluster = _read_with_restarts((moment,), lag, lines=3)
        assert set(reading.numbers.values()) == set(range(cluster.written)), moment
        assert not reading.gaps, moment


@pytest.mark.parametrize("lag", [0, 2, 8, 1000])
@pytest.mark.parametrize("lines", [0, 1, 3])
def test_two_restarts_lose_nothing_untold(lag: int, lines: int) -> None:
    """A run that came and went between two looks is a gap, a run that prints nothing included."""
    for first in MOMENTS:
        for between in (1, 2, 3, 5, 9):
            _read_with_restarts((first, first + between), lag, lines)


def test_run_that_nobody_saw_is_told() -> None:
    """Three lines of the first run are read; of the second nothing; the third and the fourth are served."""
    cluster = FakeCluster(lambda _cluster, _moment: None)
    cluster.write(3)
    reading = Reading(cluster)
    reading.attempt(1)
    for _ in range(3):
        cluster.restart(2)
    reading.finish()

    assert set(reading.numbers.values()) == {0, 1, 2, 5, 6, 7, 8, 9}
    assert list(reading.gaps.values()) == ["restarted"]


def test_rotation_is_told_as_such() -> None:
    """The log of the run before is known, so that it is not taken for news."""
    cluster = FakeCluster(lambda _cluster, _moment: None)
    cluster.write(3)
    reading = Reading(cluster)
    reading.attempt(1)
    cluster.restart(3)
    reading.attempt(3)
    cluster.write(4)
    cluster.rotate(2)
    reading.finish()

    assert set(reading.numbers.values()) == {0, 1, 2, 3, 4, 5, 8, 9, 10}
    assert list(reading.gaps.values()) == ["rotated"]


def test_crash_loop_is_read_once() -> None:
    """While the next run is waited for, the same log is the current and the previous one."""
    cluster = FakeCluster(lambda _cluster, _moment: None)
    reading = Reading(cluster)
    for _ in range(4):
        cluster.write(3)
        reading.attempt(1)
        cluster.die()
        reading.attempt(3)
        cluster.begin()
        reading.attempt(3)
    reading.finish()

    assert [name for _, name in sorted(reading.numbers.items())] == list(range(13))
    assert not reading.gaps


def _happen(cluster: FakeCluster, chance: random.Random, moment: int) -> None:
    """One thing, by chance."""
    things = {
        "write": lambda: cluster.write(chance.randint(1, 4)),
        "restart": lambda: cluster.restart(chance.randint(0, 3)),
        "die": cluster.die,
        "begin": lambda: cluster.is_waiting and cluster.begin(),
        "tell": cluster.tell,
        "rotate": lambda: cluster.rotate(chance.randint(0, 4)),
        "cut": lambda: cluster.cut_moments.add(moment),
    }
    things[chance.choice(["write", "write", *things])]()


@pytest.mark.parametrize("seed", range(300))
def test_anything_at_any_moment(seed: int) -> None:
    """Restarts, waits, rotations, cuts, a late status and a daemon that is killed."""
    chance = random.Random(seed)
    rate = chance.choice((0.05, 0.15, 0.4))

    def at_moment(cluster: FakeCluster, moment: int) -> None:
        if chance.random() < rate and cluster.written < 400:
            _happen(cluster, chance, moment)

    cluster = FakeCluster(at_moment)
    cluster.write(chance.randint(0, 5))
    reading = Reading(cluster)
    for _ in range(12):
        reading.attempt(chance.randint(1, 4))
        if chance.random() < 0.3:
            reading.go_back(chance)
    rate = 0.0
    reading.finish()
    reading.check()
