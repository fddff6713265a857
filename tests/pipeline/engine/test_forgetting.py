"""What was over long ago is forgotten, and is not told again."""

from __future__ import annotations

from datetime import timedelta

from parsers.records import Origin
from pipeline.engine.engine import Engine
from pipeline.engine.settings import EngineSettings
from tests.pipeline.engine.builders import API, BEGIN, back_off, by_time, complete, fail, healthy, rules

DAY = 86_400


def _engine() -> Engine:
    return Engine(EngineSettings(), rules())


def _days(count: int) -> Engine:
    """On every day another pod controls, and a rollout is stuck for five minutes; state is forgotten after a day."""
    engine = _engine()
    for day in range(count):
        origin = Origin(source="controller", pod=f"argo-rollouts-{day}")
        story = [
            back_off(day * DAY, day * DAY + 300, origin=origin),
            healthy(day * DAY + 310, day * DAY + 400, origin=origin),
        ]
        for event in by_time(story):
            engine.feed(event)
        engine.advance(BEGIN + timedelta(days=day, hours=1))
        engine.forget(BEGIN + timedelta(days=day, hours=1) - timedelta(days=1))
    return engine


def _stored_names(engine: Engine) -> set[str]:
    fresh: dict[str, bool] = {}
    for part in engine.take_changes():
        fresh[part.name] = part.value is not None
    return {name for name, is_there in fresh.items() if is_there}


def test_state_does_not_grow_with_the_days() -> None:
    """After three days and after thirty: as many keys, origins and incidents."""
    assert len(_stored_names(_days(3))) == len(_stored_names(_days(30)))


def test_what_was_forgotten_is_not_told_again() -> None:
    """An incident that is over is dropped with its traces; nothing changes when time goes on."""
    engine = _days(1)
    engine.forget(BEGIN + timedelta(days=2))
    assert [] == engine.incidents()
    assert [] == engine.advance(BEGIN + timedelta(days=3))


def test_open_incident_is_not_forgotten() -> None:
    """However long ago its last line was."""
    engine = _engine()
    for event in by_time([back_off(0, 300, key=API), [fail(301, key=API)]]):
        engine.feed(event)
    engine.advance(BEGIN + timedelta(seconds=400))
    before = [incident.id for incident in engine.incidents()]
    engine.forget(BEGIN + timedelta(days=9))
    engine.advance(BEGIN + timedelta(days=9))
    assert before == [incident.id for incident in engine.incidents() if incident.status == "open"]


def test_the_same_trouble_later_is_a_new_incident() -> None:
    """With an id of its own."""
    engine = _days(1)
    first = {incident.id for incident in engine.incidents()}
    engine.forget(BEGIN + timedelta(days=2))
    for event in by_time([[complete(3 * DAY - 60)], back_off(3 * DAY, 3 * DAY + 300)]):
        engine.feed(event)
    engine.finish()
    assert first.isdisjoint({incident.id for incident in engine.incidents()})
    assert 1 == len(engine.incidents())
