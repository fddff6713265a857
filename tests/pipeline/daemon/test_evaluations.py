"""Which evaluations a recording tells at once."""

from __future__ import annotations

from pipeline.daemon.evaluations import Evaluations
from pipeline.engine.engine import Engine
from pipeline.engine.settings import EngineSettings
from pipeline.sources.recording.records import Evaluated
from tests.pipeline.engine.builders import at, fail, healthy, rules


def _over_before_it_was_told() -> Engine:
    """An incident that still waits for its group, and is over."""
    engine = Engine(EngineSettings(group_wait_seconds=30.0), rules(), evaluate_every=None)
    for event in (fail(0), fail(20), fail(40), fail(61), *healthy(63, 65)):
        engine.feed(event)
    engine.advance(at(67))
    return engine


def test_what_waited_for_its_group_is_told_now() -> None:
    """From then on a change of it is another revision, though it looks the same."""
    engine = _over_before_it_was_told()
    evaluations = Evaluations(monotonic=lambda: 0.0)
    assert [Evaluated(at(67))] == list(evaluations.note(engine, at(67)))
    before = engine.incidents()

    engine.advance(at(68))
    assert [] == list(evaluations.note(engine, at(68)))
    engine.advance(at(100))
    assert before == engine.incidents()
    assert Evaluated(at(100)) in list(evaluations.note(engine, at(100)))
