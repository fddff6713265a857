"""Restarts at every moment between looking up the status, opening a log and its first line."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from pipeline.sources.pod_logs.pods import RunState
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


def test_run_that_dies_at_once_is_no_gap() -> None:
    """It has ended, and waits to be restarted, before anybody looked: the one before is not served any more."""
    cluster = FakeCluster(lambda _cluster, _moment: None)
    reading = Reading(cluster)
    for _ in range(4):
        cluster.wait(10)
        cluster.begin()
        cluster.write(2)
        cluster.wait(1)
        cluster.die()
        cluster.tell()
        reading.attempt(4)
    reading.finish()

    assert [name for _, name in sorted(reading.numbers.items())] == list(range(9))
    assert not reading.gaps


@pytest.mark.parametrize("lag", [1, 2, 3, 8, 1000])
def test_run_that_nobody_saw_is_told_in_a_crash_loop(lag: int) -> None:
    """Every other run is over before it was looked for, and a status that is late hides it."""
    due = [1000]

    def at_moment(cluster: FakeCluster, moment: int) -> None:
        if moment >= due[0] and cluster.is_waiting:
            cluster.tell()
            due[0] = moment + lag

    cluster = FakeCluster(at_moment)
    reading = Reading(cluster)
    for number in range(6):
        for _ in range(1 + number % 2):
            cluster.wait(10)
            cluster.begin()
            cluster.write(2)
            cluster.wait(1)
            cluster.die()
        due[0] = cluster.moments + lag
        reading.attempt(4)
    reading.finish()
    reading.check()


def test_beginning_that_was_rotated_away_is_told() -> None:
    """Where the oldest line that is kept is much younger than its run."""
    cluster = FakeCluster(lambda _cluster, _moment: None)
    cluster.write(3)
    reading = Reading(cluster)
    reading.attempt(2)
    cluster.restart(5)
    cluster.wait(60)
    cluster.write(5)
    cluster.rotate(2)
    cluster.tell()
    reading.finish()

    assert set(reading.numbers.values()) == {0, 1, 2, 11, 12, 13}
    assert list(reading.gaps.values()) == ["rotated"]
    (gap,) = reading.gaps
    assert 3 < gap < min(number for number, name in reading.numbers.items() if name == 11)
    assert "its oldest line is 60 s younger than the container's start" in reading.details[gap]


def test_log_that_is_silent_at_first_is_whole() -> None:
    """It was open, and empty, before its first line came late."""

    def write_late(cluster: FakeCluster, moment: int) -> None:
        if moment > 30 and not cluster.runs[-1]:
            cluster.wait(60)
            cluster.write()

    cluster = FakeCluster(write_late)
    cluster.write(3)
    reading = Reading(cluster)
    reading.attempt(1)
    cluster.restart(0)
    cluster.tell()
    reading.finish()

    assert not reading.gaps


@pytest.mark.parametrize(
    ("is_dead", "is_told", "reads"),
    [(False, True, 3), (True, False, 3), (True, True, 0)],
    ids=["it ran still", "nobody knew of its end", "not asked for since its end"],
)
def test_pod_that_went_unread_is_told(is_dead: bool, is_told: bool, reads: int) -> None:
    """A quiet end of a connection shows nothing: only what is asked for when the container has ended is all."""
    reading = _read_until_deleted(is_dead=is_dead, is_told=is_told, reads=reads)
    assert list(reading.gaps.values()) == ["pod_deleted"]


def test_pod_that_was_read_to_its_end_is_no_gap() -> None:
    """It was asked for once more when the status said that the container has ended."""
    assert not _read_until_deleted(is_dead=True, is_told=True, reads=3).gaps


def test_pod_that_printed_nothing_is_no_gap() -> None:
    """Its log was empty when it had ended."""
    assert not _read_until_deleted(is_dead=True, is_told=True, reads=3, lines=0).gaps


def test_run_behind_a_count_that_fell_is_another_one() -> None:
    """A kubelet counts restarts by what it still knows of: the pod's version says which status is the later one."""
    ended = RunState(5, "a", finished_at=datetime(2026, 1, 1, tzinfo=UTC), version=70)
    running = RunState(1, "b", version=90)
    assert ended.is_older_than(running)
    assert not running.is_older_than(ended)
    assert not running.is_of_run(ended)


def _read_until_deleted(*, is_dead: bool, is_told: bool, reads: int, lines: int = 3) -> Reading:
    cluster = FakeCluster(lambda _cluster, _moment: None)
    cluster.write(lines)
    reading = Reading(cluster)
    reading.attempt(3)
    if is_dead:
        cluster.die()
    if is_told:
        cluster.tell()
    reading.attempt(reads)
    cluster.delete()
    reading.attempt(1)
    return reading


def _happen(cluster: FakeCluster, chance: random.Random, moment: int) -> None:
    """One thing, by chance."""
    things = {
        "write": lambda: cluster.write(chance.randint(1, 4)),
        "restart": lambda: cluster.restart(chance.randint(0, 3)),
        "die": cluster.die,
        "begin": lambda: cluster.is_waiting and cluster.begin(),
        "tell": cluster.tell,
        "rotate": lambda: cluster.rotate(chance.randint(0, 4)),
        "time": lambda: cluster.wait(chance.choice((1, 5, 20))),
        "cut": lambda: cluster.cut_moments.add(moment),
    }
    things[chance.choice(["write", "write", *things])]()


@pytest.mark.parametrize("turns", [False, True], ids=["alone", "by turns"])
@pytest.mark.parametrize("seed", range(300))
def test_anything_at_any_moment(seed: int, *, turns: bool) -> None:
    """Restarts, waits, rotations, cuts, a late status, a daemon that is killed, and other logs that have their turn."""
    chance = random.Random(seed)
    rate = chance.choice((0.05, 0.15, 0.4))

    def at_moment(cluster: FakeCluster, moment: int) -> None:
        if chance.random() < rate and cluster.written < 400:
            _happen(cluster, chance, moment)
        if turns and chance.random() < min(rate, 0.02):
            reading.give_way()

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
