"""The answer depends on what happened, not on how the logs came together or how often anybody looked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers.events import Event
from pipeline.engine.engine import Engine
from pipeline.engine.memory import EnginePart
from pipeline.engine.settings import EngineSettings
from tests.pipeline.engine.builders import by_time, rules
from tests.property.histories import Streams, histories, interleavings

QUICK = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
DEEP = settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
OF_THE_TELLING = ("provenance", "revision", "transition")
OF_THE_OPENING = ("id", "opened_at")

Shown = list[dict[str, Any]]


def _end(events: Iterable[Event], evaluate_every: timedelta | None, *, without: Iterable[str] = ()) -> Shown:
    """The incidents at the end, without what depends on how the story was told; merged ones are not listed."""
    engine = Engine(EngineSettings(), rules(), evaluate_every=evaluate_every)
    for event in events:
        engine.feed(event)
    engine.finish()
    return _shown(engine, without=without)


def _shown(engine: Engine, *, without: Iterable[str] = ()) -> Shown:
    left_out = {*OF_THE_TELLING, *without}
    shown = [msgspec.to_builtins(incident) for incident in engine.incidents() if incident.status != "merged"]
    return sorted(({name: one[name] for name in one if name not in left_out} for one in shown), key=str)


def _check_interleaving(streams: Streams, mixed: list[Event]) -> None:
    assert _end(by_time(streams.values()), None) == _end(mixed, None)


def _check_looking(streams: Streams) -> None:
    events = by_time(streams.values())
    for evaluate_every in (timedelta(0), timedelta(seconds=5)):
        assert _end(events, None) == _end(events, evaluate_every)


def _check_late_logs(streams: Streams, mixed: list[Event]) -> None:
    expected = _end(by_time(streams.values()), None, without=OF_THE_OPENING)
    assert expected == _end(mixed, timedelta(0), without=OF_THE_OPENING)


def _with_mix(histories_of: st.SearchStrategy[Streams]) -> st.SearchStrategy[tuple[Streams, list[Event]]]:
    return histories_of.flatmap(lambda streams: st.tuples(st.just(streams), interleavings(streams)))


@QUICK
@given(_with_mix(histories()))
def test_interleaving_of_origins_does_not_matter(case: tuple[Streams, list[Event]]) -> None:
    """Each origin in its own order, the origins in any: the same incidents, ids included."""
    _check_interleaving(*case)


@QUICK
@given(histories(is_steady=True))
def test_looking_often_does_not_matter(streams: Streams) -> None:
    """At every event, now and then, or once at the end: the same incidents, ids included.

    A victim whose cause changes moves from one incident to another: then an id may be that of the incident that was
    told of first, and the next claim holds.
    """
    _check_looking(streams)


@QUICK
@given(_with_mix(histories()))
def test_logs_that_come_late_end_in_the_same_incidents(case: tuple[Streams, list[Event]]) -> None:
    """However they are mixed and looked at: what was told too early is taken back or put right."""
    _check_late_logs(*case)


def _stored_and_recalled(engine: Engine, stored: dict[tuple[str, str], EnginePart]) -> Engine:
    """Another process goes on with what was stored."""
    for part in engine.take_changes():
        if part.value is None:
            del stored[part.cluster, part.name]
        else:
            stored[part.cluster, part.name] = part
    fresh = Engine(EngineSettings(), rules(), evaluate_every=timedelta(seconds=5))
    fresh.recall(stored.values())
    return fresh


def _check_restarts(events: list[Event], places: set[int]) -> None:
    whole = Engine(EngineSettings(), rules(), evaluate_every=timedelta(seconds=5))
    engine, stored = Engine(EngineSettings(), rules(), evaluate_every=timedelta(seconds=5)), {}
    for index, event in enumerate(events):
        whole.feed(event)
        if index in places:
            engine = _stored_and_recalled(engine, stored)
        engine.feed(event)
    whole.finish()
    engine = _stored_and_recalled(engine, stored)
    engine.finish()
    assert _shown(whole) == _shown(engine)


@QUICK
@given(histories(is_steady=True), st.sets(st.integers(0, 300)))
def test_restarts_of_ours_do_not_matter(streams: Streams, places: set[int]) -> None:
    """Whatever is stored part by part and taken up by another process: the same incidents, ids included."""
    _check_restarts(by_time(streams.values()), places)


@pytest.mark.long
@DEEP
@given(_with_mix(histories(most_steps=150)), histories(is_steady=True, most_steps=150))
def test_all_of_it_in_depth(case: tuple[Streams, list[Event]], steady: Streams) -> None:
    """The same claims, with more and longer histories."""
    _check_interleaving(*case)
    _check_late_logs(*case)
    _check_looking(steady)
    _check_restarts(by_time(steady.values()), set(range(0, 5_000, 7)))
