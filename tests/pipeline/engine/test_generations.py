"""Edits of a spec that the log shows by the generation of each pass."""

from __future__ import annotations

import pytest

from pipeline.engine.generations import MOST, MOST_BEFORE, GenerationSeen, note_generation, rises
from pipeline.engine.streaks import Track
from tests.pipeline.engine.builders import at, back_off, complete, only


def _seen(*generations: int) -> list[GenerationSeen]:
    return [GenerationSeen(generation, at(10 * generation)) for generation in generations]


NOTED = {
    "each new one": ((1, 2, 3), (1, 2, 3)),
    "once": ((1, 1, 2, 2), (1, 2)),
    "not what an informer says that is behind": ((3, 2, 4), (3, 4)),
}


@pytest.mark.parametrize(("read", "kept"), NOTED.values(), ids=NOTED)
def test_noted(read: tuple[int, ...], kept: tuple[int, ...]) -> None:
    """The first pass with each."""
    known: list[GenerationSeen] = []
    for seen in _seen(*read):
        note_generation(known, seen, is_failing=False)
    assert _seen(*kept) == known


def test_newest_of_a_healthy_key_are_kept() -> None:
    """An autoscaler raises them for months."""
    known: list[GenerationSeen] = []
    for seen in _seen(*range(100)):
        note_generation(known, seen, is_failing=False)
    assert _seen(*range(100 - MOST_BEFORE, 100)) == known


def test_those_around_the_onset_stay_while_the_key_fails() -> None:
    """However long the trouble lasts."""
    known = _seen(1, 2, 3)
    for seen in _seen(*range(4, 100)):
        note_generation(known, seen, is_failing=True)
    assert _seen(*range(1, MOST + 1)) == known


def test_edit_before_the_onset_is_in_the_timeline() -> None:
    """The log alone tells it; one long before is no news."""
    passes = [complete(-7_200, generation=2), complete(-7_190, generation=3), complete(-20, generation=4)]
    incident = only(passes, back_off(0, 300))
    edits = [entry for entry in incident.timeline if entry.category == "rollout"]
    assert [(at(-20), "rollout shop/web is synced with generation 4 (before: 3)")] == [(e.at, e.what) for e in edits]


def test_object_made_again_begins_anew() -> None:
    """Its generation is 1, which is no edit."""
    track = Track(generations=_seen(6, 7))
    track.delete(at(80))
    track.read_generation(1, at(90))
    assert [1] == [seen.generation for seen in track.generations]


def test_origins_are_put_together() -> None:
    """The one that read a generation first tells when."""
    late = GenerationSeen(2, at(90))
    assert [tuple(_seen(1, 2)), tuple(_seen(2, 3))] == list(rises([[_seen(1)[0], late], _seen(2, 3)]))
