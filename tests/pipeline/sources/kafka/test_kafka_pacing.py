"""Which partitions wait for which."""

from __future__ import annotations

import pytest

from pipeline.sources.kafka.clients import Partition
from pipeline.sources.kafka.pacing import Pace, Pacer

A, B, C = (Partition("logs", number) for number in range(3))


@pytest.mark.parametrize(
    ("paces", "ahead"),
    [
        ({A: Pace(100.0, True), B: Pace(100.0, True)}, set()),
        ({A: Pace(161.0, True), B: Pace(100.0, True)}, {A}),
        ({A: Pace(160.0, True), B: Pace(100.0, True)}, set()),
        ({A: Pace(161.0, True), B: Pace(100.0, False)}, set()),
        ({A: Pace(161.0, False), B: Pace(100.0, True)}, {A}),
        ({A: Pace(1.0, True), B: Pace(None, True)}, {A}),
        ({A: Pace(1.0, True), B: Pace(None, False)}, set()),
        ({A: Pace(500.0, True), B: Pace(400.0, True), C: Pace(380.0, True)}, {A}),
        ({}, set()),
    ],
    ids=["together", "ahead", "just not", "other at its end", "ahead at its end", "unread", "empty", "three", "none"],
)
def test_ahead(paces: dict[Partition, Pace], ahead: set[Partition]) -> None:
    """Only those wait that are far before one that still holds records."""
    assert ahead == Pacer(60.0).find_ahead(paces, now=0.0)


def test_one_that_gives_nothing_is_not_waited_for() -> None:
    """It has no leader, perhaps for days."""
    pacer = Pacer(60.0)
    paces = {A: Pace(500.0, True), B: Pace(100.0, True)}

    assert [{A}, {A}, set()] == [pacer.find_ahead(paces, now) for now in (0.0, 10.0, 10.1)]


def test_one_that_gives_again_is_waited_for_again() -> None:
    """From then on."""
    pacer = Pacer(60.0)
    paces = {A: Pace(500.0, True), B: Pace(100.0, True)}
    pacer.find_ahead(paces, 0.0)
    pacer.note_delivery(B, 20.0)

    assert {A} == pacer.find_ahead(paces, 21.0)


def test_one_that_waits_goes_on_at_half_of_the_lead() -> None:
    """Else it would be stopped and let go at every turn, and what was fetched of it thrown away."""
    pacer = Pacer(60.0)
    leads = (61.0, 31.0, 30.0, 59.0)

    assert [{A}, {A}, set(), set()] == [
        pacer.find_ahead({A: Pace(100.0 + lead, True), B: Pace(100.0, True)}, 0.0) for lead in leads
    ]
