"""What is told of an incident, when and why; its id stays, its revision rises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from parsers.events import Event
from parsers.records import Origin
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings, SeverityRule
from tests.pipeline.engine.builders import (
    API,
    JOB,
    LOG,
    OTHER_LOG,
    at,
    attempts,
    back_off,
    by_time,
    changes_of,
    fail,
    healthy,
    rules,
    see,
)

QUIET = healthy(-20, -10)
Story = Sequence[Event | list[Event]]

TOLD: dict[str, tuple[Story, list[tuple[str, str]]]] = {
    "opened": ([back_off(0, 100)], [("opened", "runaway")]),
    "opened, then resolved": ([back_off(0, 100), healthy(105, 110)], [("opened", "runaway"), ("resolved", "passed")]),
    "over before it was told": ([back_off(0, 61), healthy(62, 66)], [("resolved", "passed")]),
    "fails again": (
        [back_off(0, 100), healthy(105, 110), back_off(300, 400)],
        [("opened", "runaway"), ("resolved", "passed"), ("reopened", "failed_again")],
    ),
    "one more victim": (
        [back_off(0, 200), back_off(60, 200, key=API)],
        [("opened", "runaway"), ("updated", "new_victim")],
    ),
    "victims within the group wait are told together": (
        [back_off(0, 200), back_off(5, 200, key=API)],
        [("opened", "runaway")],
    ),
    "cause found later": (
        [attempts(range(0, 100, 10), "deadline"), attempts(range(100, 400, 10), "expired", first=11)],
        [("opened", "runaway"), ("updated", "cause_established")],
    ),
    "worse with age": (
        [back_off(0, 2_000)],
        [("opened", "runaway"), ("updated", "severity_raised")],
    ),
    "two that turn out to be one": (
        [
            back_off(0, 400, "hanging"),
            back_off(5, 400, "admission", key=API),
            attempts(range(410, 1_600, 10), "expired", key=API, first=60),
        ],
        [("opened", "runaway"), ("opened", "runaway"), ("merged", "same_cause")],
    ),
}


@pytest.mark.parametrize(("story", "transitions"), TOLD.values(), ids=TOLD)
def test_changes_are_told_with_their_reason(story: Story, transitions: list[tuple[str, str]]) -> None:
    """Each once, in the order in which they happen."""
    told = [(change.transition.name, change.transition.reason) for change in changes_of(QUIET, *story)]
    assert [one for one in told if one != ("updated", "cause_deepened")] == transitions


def test_id_stays_and_revision_rises() -> None:
    """Over recovery and relapse, new victims and a better known cause."""
    told = changes_of(
        QUIET,
        attempts(range(0, 200, 10), "hanging"),
        back_off(100, 300, key=API),
        healthy(305, 310, 320),
        healthy(305, 310, 320, key=API),
        back_off(500, 700),
    )
    assert 1 == len({change.id for change in told})
    assert list(range(1, len(told) + 1)) == [change.revision for change in told]


def test_older_incident_stays_when_two_are_merged() -> None:
    """The other one ends, and says into which."""
    told = changes_of(QUIET, *TOLD["two that turn out to be one"][0])
    first, second = (change.id for change in told if change.transition.name == "opened")
    (merged,) = (change for change in told if change.status == "merged")
    assert (second, first) == (merged.id, merged.merged_into)


def test_group_wait_holds_back_what_opens() -> None:
    """It is told ten seconds of event time after its opening, or at the end of the stream."""
    engine = Engine(EngineSettings(), rules(), evaluate_every=timedelta(0))
    for event in by_time([QUIET, back_off(0, 62)]):
        assert [] == engine.feed(event)
    assert [] == engine.advance(at(69))
    assert ["opened"] == [change.transition.name for change in engine.advance(at(70.5))]


def test_incident_that_a_late_log_refutes_is_withdrawn() -> None:
    """The other pod's log shows a success before the minute was over: it was no incident, and is listed no more."""
    engine = Engine(EngineSettings(), rules(), evaluate_every=timedelta(0))
    late = healthy(45, 50, 60, origin=OTHER_LOG)
    told = [change for event in [*QUIET, *back_off(0, 40)] for change in engine.feed(event)]
    told += engine.advance(at(100))
    told += [change for event in late for change in engine.feed(event)]
    assert [("opened", "runaway"), ("resolved", "withdrawn")] == [
        (change.transition.name, change.transition.reason) for change in told
    ]
    assert [] == engine.incidents()


def test_nothing_is_told_of_an_incident_that_is_refuted_while_it_waits() -> None:
    """Nobody has heard of it."""
    engine = Engine(EngineSettings(), rules(), evaluate_every=timedelta(0))
    told = [change for event in [*QUIET, *back_off(0, 40)] for change in engine.feed(event)]
    told += engine.advance(at(62))
    assert 1 == len(engine.incidents())
    told += [change for event in healthy(45, 50, 63, origin=OTHER_LOG) for change in engine.feed(event)]
    assert ([], []) == (told + engine.finish(), engine.incidents())


STORIES: dict[str, Story] = {
    "one key": [back_off(0, 300), healthy(305, 310)],
    "flapping": [[*back_off(begin, begin + 70), *healthy(begin + 75, begin + 80)] for begin in range(0, 2_000, 200)],
    "several causes": [
        back_off(0, 300),
        back_off(30, 300, "admission", key=API),
        back_off(60, 300, "deadline", key=JOB),
        [see(seconds, carrier="reflector") for seconds in range(0, 300, 20)],
    ],
    "two that become one": TOLD["two that turn out to be one"][0],
    "two pods": [back_off(0, 100), back_off(110, 200, origin=OTHER_LOG), healthy(205, 300, origin=OTHER_LOG)],
    "slow attempts, log begins late": [attempts([40 * number for number in range(30)], first=15)],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_looking_often_and_looking_once_end_alike(story: Story) -> None:
    """Ids included: when the engine looks is no part of the answer."""
    ends = []
    for evaluate_every in (timedelta(0), timedelta(seconds=5), timedelta(seconds=47), None):
        engine = Engine(EngineSettings(), rules(), evaluate_every=evaluate_every)
        for event in by_time([QUIET, *story]):
            engine.feed(event)
        engine.finish()
        ends.append([_shown(incident) for incident in engine.incidents() if incident.status != "merged"])
    assert ends[0]
    assert all(ends[0] == end for end in ends)


def _shown(incident: Incident) -> tuple[object, ...]:
    return incident.id, incident.opened_at, incident.resolved_at, incident.cause, incident.victims, incident.evidence


SEVERITIES: dict[str, tuple[SeverityRule, str]] = {
    "as it is": (SeverityRule(), "warning"),
    "victims": (SeverityRule(critical_victims=1), "critical"),
    "namespaces": (SeverityRule(critical_namespaces=1), "critical"),
    "age": (SeverityRule(critical_seconds=100), "critical"),
}


@pytest.mark.parametrize(("rule", "severity"), SEVERITIES.values(), ids=SEVERITIES)
def test_severity_is_a_rule(rule: SeverityRule, severity: str) -> None:
    """Number of victims, number of their namespaces, age."""
    told = changes_of(QUIET, back_off(0, 200), settings=EngineSettings(severity=rule))
    assert severity == told[-1].severity


def test_ids_differ_by_cluster_key_and_time() -> None:
    """No two incidents share one."""
    origins = [Origin(source="log", cluster=cluster) for cluster in ("eu", "us")]
    stories = [
        *(back_off(0, 100, origin=origin) for origin in origins),
        back_off(0, 100, "admission", key=API),
        back_off(5_000, 5_100, origin=LOG),
        [fail(6_000, key=JOB)],
    ]
    told = [change for change in changes_of(*stories) if change.transition.name == "opened"]
    assert len(told) == len({change.id for change in told})
