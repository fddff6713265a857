"""State is bounded: what is dropped is counted, what is open is kept."""

from __future__ import annotations

from datetime import timedelta

from parsers.events import Event, ObjectKey
from pipeline.engine.clusters import ClusterState
from pipeline.engine.engine import Engine
from pipeline.engine.seen import MAX_SEEN, SeenFailures
from pipeline.engine.settings import EngineSettings
from pipeline.engine.streak import MAX_FAILURE_TIMES
from pipeline.engine.streaks import MAX_PASSES
from pipeline.engine.timeline import MAX_TIMELINE
from tests.pipeline.engine.builders import (
    API,
    LOG,
    WEB,
    attempts,
    back_off,
    by_time,
    complete,
    fail,
    fed,
    healthy,
    lead,
    only,
    rules,
    see,
    start,
)

SMALL = EngineSettings(max_keys=20, max_history=3, max_evidence=6)


def _keys(count: int) -> list[ObjectKey]:
    return [ObjectKey("rollout", "shop", f"app-{number}") for number in range(count)]


def _engine(*parts: Event | list[Event]) -> Engine:
    engine = Engine(SMALL, rules(), evaluate_every=None)
    for event in by_time(parts):
        engine.feed(event)
    engine.finish()
    return engine


def _state(engine: Engine) -> ClusterState:
    return engine._clusters[""]._state


def test_healthy_keys_are_forgotten_first() -> None:
    """A key that fails stays, however many healthy ones come."""
    engine = _engine(back_off(0, 300), [complete(100 + number * 0.1, key=key) for number, key in enumerate(_keys(500))])
    state = _state(engine)
    assert WEB in state.keys
    assert len(state.keys) <= SMALL.max_keys * 1.1
    assert state.evicted_count > 400
    assert [WEB.name] == [victim.name for incident in engine.incidents() for victim in incident.victims]


def test_keys_of_open_incidents_are_never_forgotten() -> None:
    """Even where there are more of them than may be kept."""
    engine = _engine(*(back_off(number * 0.01, 200, key=key) for number, key in enumerate(_keys(60))))
    (incident,) = engine.incidents()
    assert 60 == len(incident.victims)


def test_incident_stays_told_when_its_keys_are_forgotten() -> None:
    """What was is not undone."""
    later = [
        [fail(10_000 + number, key=key), complete(10_000.5 + number, key=key)] for number, key in enumerate(_keys(200))
    ]
    engine = _engine(back_off(0, 100), healthy(105, 110), *later)
    assert WEB not in _state(engine).keys
    assert ["resolved"] == [one.status for one in engine.incidents() if one.victims[0].name == WEB.name]


def test_history_of_a_key_is_bounded() -> None:
    """Streaks of long ago go once they were looked at; their incidents stay."""
    engine = _engine(*([*back_off(b, b + 100), *healthy(b + 105, b + 110)] for b in range(0, 40_000, 2_000)))
    assert len(_state(engine).keys[WEB][LOG].streaks) <= 2 * SMALL.max_history
    assert 20 == len(engine.incidents())


def test_flapping_key_keeps_little() -> None:
    """Streaks that were over before they could matter go at once, without another look at everything."""
    flaps = [event for b in range(0, 30_000, 60) for event in (*attempts([b, b + 1]), *healthy(b + 5, b + 9))]
    engine = _engine(*back_off(-2_000, -1_900), *healthy(-1_890, -1_880), *flaps)
    assert SMALL.max_history + 1 == len(_state(engine).keys[WEB][LOG].streaks)
    assert ["resolved"] == [incident.status for incident in engine.incidents()]


def test_evidence_is_first_and_last() -> None:
    """The middle is counted."""
    words = enumerate("abcdefghij")
    lines = [attempts(range(30 * n, 30 * n + 30, 10), f"no {word}", first=3 * n + 1) for n, word in words]
    incident = only(healthy(-20, -10), *lines, settings=SMALL)
    times = [evidence.at for evidence in incident.evidence]
    assert SMALL.max_evidence == len(times)
    assert sorted(times) == times
    assert 30 - SMALL.max_evidence == incident.evidence_omitted_count


def test_failures_without_a_key_are_bounded() -> None:
    """The one that was met the longest time ago goes."""
    seen = SeenFailures(EngineSettings())
    words = [
        f"{first}{second}{third}"
        for first in "abcdefghijklmno"
        for second in "abcdefghijklmno"
        for third in "abcdefghij"
    ]
    for number, word in enumerate(words):
        seen.feed(see(number * 0.1, f"never heard of {word}"))
    assert MAX_SEEN == len(seen)
    assert len(words) - MAX_SEEN == seen.evicted_count


def test_milestones_and_passes_are_bounded() -> None:
    """A controller that restarts for ever does not fill the memory."""
    restarts = [
        event
        for number in range(500)
        for event in (start(number * 10), lead(number * 10 + 1), *healthy(number * 10 + 2))
    ]
    state = _state(fed(restarts))
    origin, track = state.origins[LOG], state.keys[WEB][LOG]
    assert max(len(origin.starts), len(origin.leads), len(track.passes)) <= MAX_PASSES


def test_long_streak_keeps_little() -> None:
    """Times of the first failures, one tally for each kind."""
    streak = _state(fed(attempts(range(0, 10_000, 10)))).keys[WEB][LOG].streaks[0]
    assert (MAX_FAILURE_TIMES, 1, 1_000) == (len(streak.failed_at), len(streak.tallies), streak.failures)


def test_timeline_is_bounded() -> None:
    """The first and the last entries."""
    restarts = [start(number * 10.0) for number in range(200)]
    incident = only(back_off(0, 2_000), back_off(1, 2_000, key=API), restarts)
    assert len(incident.timeline) <= MAX_TIMELINE


def test_storm_is_looked_at_less_often() -> None:
    """The more keys fail, the longer the engine waits between two looks; the end is the same."""
    keys = _keys(50)
    events = by_time([attempts(range(0, 200, 10), key=key) for key in keys])
    engine = Engine(EngineSettings(), rules(), evaluate_every=timedelta(seconds=5))
    for event in events:
        engine.feed(event)
    engine.finish()
    assert [50] == [len(incident.victims) for incident in engine.incidents()]
