"""Several watches hand out what they see in any order: the same drifts are told."""

from __future__ import annotations

import random

import pytest

from parsers.facts.seen import AnyFacts, ObjectSeen
from tests.pipeline.engine.drift_stories import (
    CANARY,
    Story,
    hpa_facts,
    rollout_facts,
    set_facts,
    shuffled_apart,
    watched,
)

SECONDS = 2_000
LOOK_SECONDS = 25
"""Objects change less often than anybody looks: four versions are kept of each."""


def _stream(chance: random.Random, make: list[AnyFacts]) -> list[ObjectSeen]:
    """One object that changes now and then, mostly not for long."""
    seconds, events = 0.0, []
    while seconds < SECONDS:
        events.append(watched(seconds, chance.choice(make)))
        seconds += chance.choice([7, 30, 200, 500])
    return events


def _streams(chance: random.Random) -> list[list[ObjectSeen]]:
    rollouts = [rollout_facts(), rollout_facts(available=6), rollout_facts(desired=21), rollout_facts(generation=4)]
    return [
        _stream(chance, list(rollouts)),
        _stream(chance, [set_facts(), set_facts(available=6), set_facts(14)]),
        _stream(chance, [set_facts(0, CANARY), set_facts(3, CANARY)]),
        _stream(chance, [hpa_facts(10), hpa_facts(21)]),
    ]


def _told(streams: list[list[ObjectSeen]], chance: random.Random | None) -> list[object]:
    story = Story()
    for begin in range(0, SECONDS, LOOK_SECONDS):
        due = [[one for one in stream if begin <= _seconds(one) < begin + LOOK_SECONDS] for stream in streams]
        events = [one for stream in due for one in stream]
        order = [chance.randrange(len(streams)) for _ in events] if chance is not None else []
        story.see(shuffled_apart(due, order) if chance is not None else sorted(events, key=lambda one: one.at))
        story.wait(LOOK_SECONDS, step=LOOK_SECONDS)
    return [*story.told, *story.drifts()]


def _seconds(event: ObjectSeen) -> float:
    return (event.at - watched(0, event.facts).at).total_seconds()


@pytest.mark.parametrize("seed", range(6))
def test_order_of_watches_does_not_matter(seed: int) -> None:
    """Each watch in its own order."""
    streams = _streams(random.Random(seed))
    expected = _told(streams, None)
    assert expected  # silence would be equal in any order
    assert [expected] * 2 == [_told(streams, random.Random(seed * 10 + turn)) for turn in range(2)]
