"""How a key fares in one origin: attempts counted once, counts and their resets, what ends a streak."""

from __future__ import annotations

import pytest

from parsers.events import (
    ControllerStarted,
    Event,
    KeyDeleted,
    LeaderElected,
    ReplicasBlocked,
    RetryCounted,
    SyncCompleted,
    SyncFailed,
    SyncRefused,
)
from pipeline.engine.streak import MAX_TALLIES, EndReason, Streak
from pipeline.engine.streaks import Track
from pipeline.engine.tallies import Sighting
from tests.pipeline.engine.builders import (
    LOG,
    at,
    attempts,
    block,
    complete,
    count,
    delete,
    fail,
    healthy,
    lead,
    refuse,
    start,
)


def _track(*events: Event, now: float | None = None) -> Track:
    """A track fed with events, the origin going on until `now`."""
    track = Track(watched_since=events[0].at)
    for event in events:
        track.confirm_before(event.at)
        _feed(track, event)
    if now is not None:
        track.confirm_before(at(now))
    return track


def _feed(track: Track, event: Event) -> None:
    seen = Sighting(event.at, LOG, event.line)
    match event:
        case SyncFailed() | SyncRefused():
            track.fail(event.failure, seen, is_refusal=isinstance(event, SyncRefused))
        case RetryCounted():
            track.count(event.count, seen, high_count=20)
        case SyncCompleted():
            track.complete(event.at)
        case ReplicasBlocked():
            track.unblock(event.at) if event.failure is None else track.block(event.failure, seen)
        case KeyDeleted():
            track.delete(event.at)
        case ControllerStarted() | LeaderElected():
            track.restart(event.at)


def _ends(track: Track) -> list[EndReason | None]:
    return [streak.end for streak in track.streaks]


def _only(track: Track) -> Streak:
    (streak,) = track.streaks
    return streak


def test_attempt_with_all_its_lines_counts_once() -> None:
    """Pass, error and retry line are one attempt."""
    assert 3 == _only(_track(*attempts([0, 10, 20]))).failures


def test_retry_lines_alone_count_as_attempts() -> None:
    """A log that kept nothing else still shows that the key fails."""
    streak = _only(_track(count(0, 30), count(10, 31)))
    assert (2, 31) == (streak.failures, streak.max_count)


def test_refusals_are_failures_without_a_count() -> None:
    """N stays 0, the pass behind a refusal is no success."""
    streak = _only(_track(refuse(0), complete(0.1), refuse(20), complete(20.1), now=60))
    assert (2, 0, None) == (streak.failures, streak.counts_seen, streak.end)


ENDS: dict[str, tuple[list[Event], float | None, list[EndReason | None]]] = {
    "next pass": ([*attempts([0]), complete(5), complete(5.5)], None, [EndReason.PASSED]),
    "origin goes on for two seconds": ([*attempts([0]), complete(5)], 7.1, [EndReason.PASSED]),
    "too early to know": ([*attempts([0]), complete(5)], 6.9, [None]),
    "pass was a failed one": ([*attempts([0, 5])], 60, [None]),
    "deleted": ([*attempts([0]), delete(5)], None, [EndReason.DELETED]),
    "restart is no recovery": ([*attempts([0]), start(5)], 60, [None]),
    "new leader is no recovery": ([*attempts([0]), lead(5)], 60, [None]),
    "restart between pass and error": ([*attempts([0]), complete(5), start(5.1)], 60, [None]),
    "count falls": ([*attempts([0, 1, 2]), fail(9), count(9, 1)], None, [EndReason.COUNT_RESET, None]),
    "count does not rise": ([fail(0), count(0, 1), fail(9), count(9, 1)], None, [EndReason.COUNT_RESET, None]),
    "count falls after a restart": ([*attempts([0, 1, 2]), start(5), fail(9), count(9, 1)], None, [None, None]),
    "condition gone": ([block(0), block(9, None)], None, [EndReason.UNBLOCKED]),
    "passes while blocked": ([block(0), *healthy(5, 10)], 60, [None]),
}


@pytest.mark.parametrize(("events", "now", "ends"), ENDS.values(), ids=ENDS)
def test_streak_ends(events: list[Event], now: float | None, ends: list[EndReason | None]) -> None:
    """By a success that is certain, a deletion, a count that shows a success; by nothing else."""
    assert ends == _ends(_track(*events, now=now))


def test_failure_after_a_success_begins_a_new_streak() -> None:
    """It has its own attempts and its own count."""
    track = _track(*attempts([0, 1]), *healthy(5, 6), *attempts([60]))
    assert [(2, 2), (1, 1)] == [(streak.failures, streak.max_count) for streak in track.streaks]


def test_attempt_before_a_fallen_count_belongs_to_the_new_streak() -> None:
    """Its error line stands before the retry line that tells of the success."""
    track = _track(*attempts([0, 1, 2]), fail(9, "admission"), count(9.001, 1))
    old, new = track.streaks
    assert ["tls.expired"] == [tally.failure.failure_class for tally in old.tallies.values()]
    assert ["tls.unknown_authority"] == [tally.failure.failure_class for tally in new.tallies.values()]
    assert (3, 1) == (old.failures, new.failures)


def test_same_retry_line_twice_is_read_once() -> None:
    """A shipper may send a line twice."""
    streak = _only(_track(fail(0), count(0.1, 5), count(0.1, 5)))
    assert 1 == streak.counts_seen


def test_count_that_goes_on_takes_a_success_back() -> None:
    """The error line after that pass was lost: a success would have set the count to zero."""
    track = _track(*attempts([0, 10, 20], first=200), *healthy(30, 35), fail(40), count(40.1, 204))
    streak = _only(track)
    assert (None, 4, 204) == (streak.end, streak.failures, streak.max_count)


def test_count_that_goes_on_takes_a_deletion_back() -> None:
    """Releases before v1.7 try an object that is gone for ever."""
    track = _track(*attempts([0, 10], first=200), delete(20), fail(20), count(20, 202), delete(30), count(30, 203))
    streak = _only(track)
    assert (None, 4, 203) == (streak.end, streak.counts_seen, streak.max_count)


def test_object_of_the_same_name_begins_anew() -> None:
    """Its count begins with 1 again."""
    assert [EndReason.DELETED, None] == _ends(_track(*attempts([0, 10], first=200), delete(20), *attempts([60])))


def test_small_count_that_goes_on_takes_nothing_back() -> None:
    """Events of a busy rollout reach small counts at once."""
    track = _track(*attempts([0, 1, 2]), *healthy(5, 6), fail(60), count(60.1, 7))
    assert [EndReason.PASSED, None] == _ends(track)


def test_watched_since_is_the_newest_of_first_line_start_and_pass() -> None:
    """Since then a failure of the key would have been seen."""
    track = _track(start(0), *healthy(10, 20), *attempts([60]))
    assert at(10) == _only(track).watched_since


def test_kinds_of_failures_are_bounded() -> None:
    """The rest is counted."""
    texts = [f"never heard of {'abcdefghijklmnopqrstuvwxyz'[number]}-thing" for number in range(MAX_TALLIES + 2)]
    streak = _only(_track(*(fail(number, text) for number, text in enumerate(texts))))
    assert (MAX_TALLIES, 2) == (len(streak.tallies), streak.tallies_omitted)
