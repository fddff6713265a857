"""Controllers of which nothing is heard: told apart from quiet ones, restarts and an outage of the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain

import msgspec
import pytest

from parsers.events import Event
from parsers.records import Origin
from pipeline.engine.engine import Engine
from pipeline.engine.hearing import Listened, Listening
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from tests.pipeline.engine.builders import at, complete, fail, rules

AFTER = 600.0
POD = Origin(source="logs/0", namespace="argo-rollouts", pod="argo-rollouts-6d4f8c7b5-bcdfg")
OTHER_POD = Origin(source="logs/1", namespace="argo-rollouts", pod="argo-rollouts-6d4f8c7b5-hjklm")
DASHBOARD = Origin(source="logs/1", namespace="argo-rollouts", pod="argo-rollouts-dashboard-5c7d8f9b6-npqrs")
RAW = Origin(source="logs/2")

Act = Callable[["Story"], Iterator[Incident]]


class Story:
    """What one engine hears, minute by minute."""

    def __init__(self) -> None:
        self.engine = Engine(EngineSettings(), rules())
        self.minute = 0
        self.told: list[tuple[int, str, str]] = []

    def play(self, *acts: Act) -> Story:
        for act in acts:
            for change in act(self):
                self.told.append((self.minute, change.transition.name, change.transition.reason))
        return self

    def wait(self, how: Listening = Listening.CAUGHT_UP, problem: str = "") -> list[Incident]:
        """A minute passes."""
        self.minute += 1
        until = at(60 * self.minute)
        day = timedelta(days=1)
        return self.engine.listen(Listened("kafka", how, 60.0, until, AFTER, until - day, problem))

    def hear(self, event: Event | None, origin: Origin, *, is_work: bool) -> list[Incident]:
        if event is not None:
            self.engine.feed(event)
        return self.engine.hear("kafka", origin, at(60 * self.minute), is_work=is_work)


def works(minutes: int, *, origin: Origin = POD, every: int = 1) -> Act:
    """It syncs now and then."""

    def act(story: Story) -> Iterator[Incident]:
        for minute in range(minutes):
            if minute % every == 0:
                yield from story.hear(complete(60 * story.minute, origin=origin), origin, is_work=True)
            yield from story.wait()

    return act


def chats(minutes: int, *, origin: Origin = POD) -> Act:
    """It prints lines that are no work."""

    def act(story: Story) -> Iterator[Incident]:
        for _ in range(minutes):
            yield from story.hear(None, origin, is_work=False)
            yield from story.wait()

    return act


def is_silent(minutes: int, how: Listening = Listening.CAUGHT_UP, problem: str = "") -> Act:
    """Nothing comes."""
    return lambda story: chain.from_iterable(story.wait(how, problem) for _ in range(minutes))


def only_fails(minutes: int) -> Act:
    """A log without healthy passes: its level may be warn."""

    def act(story: Story) -> Iterator[Incident]:
        for _ in range(minutes):
            yield from story.hear(fail(60 * story.minute, origin=POD), POD, is_work=True)
            yield from story.wait()

    return act


TOLD: dict[str, tuple[list[Act], list[tuple[int, str, str]]]] = {
    "silent": ([works(20), is_silent(30)], [(29, "opened", "silent")]),
    "heard again": ([works(20), is_silent(15), works(5)], [(29, "opened", "silent"), (35, "resolved", "heard_again")]),
    "another pod took over": ([works(20), works(30, origin=OTHER_POD)], []),
    "a standby says nothing": ([works(20), works(5, origin=OTHER_POD), works(30)], []),
    "a restart": ([works(20), is_silent(5), works(20, origin=OTHER_POD)], []),
    "a rotation of the log": ([works(20), is_silent(5), works(20)], []),
    "a change of leader": ([works(20), is_silent(2), works(40, origin=OTHER_POD)], []),
    "a dashboard is no controller": ([works(20), chats(15, origin=DASHBOARD)], [(29, "opened", "silent")]),
    "a quiet one": ([works(60, every=8), is_silent(15)], []),
    "far longer than it was ever quiet": ([works(64, every=8), is_silent(40)], [(80, "opened", "silent")]),
    "hardly known": ([works(3), is_silent(60)], []),
    "only errors are logged": ([only_fails(20), is_silent(60)], []),
    "without a pod's name": ([works(20, origin=RAW), is_silent(30)], [(29, "opened", "silent")]),
    "lines without work": ([works(20), chats(30)], [(29, "opened", "no_progress")]),
    "works again": (
        [works(20), chats(15), works(5)],
        [(29, "opened", "no_progress"), (35, "resolved", "works_again")],
    ),
    "back, and works after a while": (
        [works(20), is_silent(15), chats(5), works(5)],
        [(29, "opened", "silent"), (35, "resolved", "heard_again")],
    ),
    "while the source is behind nobody is silent": ([works(20), is_silent(60, Listening.BEHIND)], []),
    "the source is away": (
        [works(20), is_silent(15, Listening.AWAY, "refused"), works(5)],
        [(30, "opened", "source_away"), (35, "resolved", "source_is_back")],
    ),
    "a short outage is none of the controller's silence": (
        [works(20), is_silent(5), is_silent(9, Listening.AWAY), is_silent(3), works(10)],
        [],
    ),
}


@pytest.mark.parametrize(("acts", "told"), TOLD.values(), ids=TOLD)
def test_told(acts: list[Act], told: list[tuple[int, str, str]]) -> None:
    """At the minute at which it counts."""
    assert told == Story().play(*acts).told


def _silent() -> tuple[Story, Incident]:
    story = Story().play(works(20), is_silent(12))
    (incident,) = [one for one in story.engine.told() if one.kind == "source_silent"]
    return story, incident


def test_incident_blames_nobody() -> None:
    """It says whose silence it is, since when, and what to look at."""
    _, incident = _silent()
    assert "nothing is heard of the Argo Rollouts controller in argo-rollouts" == incident.title
    assert ("unknown", False, None) == (
        incident.cause.failure_class,
        incident.cause.established,
        incident.cause.culprit,
    )
    assert [("controller", "argo-rollouts", POD.pod, at(19 * 60))] == [
        (victim.kind, victim.namespace, victim.name, victim.stuck_since_at) for victim in incident.victims
    ]
    assert any("get pods" in (step.command or "") for step in incident.remediation)


def test_problem_of_the_source_is_told() -> None:
    """Whystuck is blind, and says why."""
    story = Story().play(works(20), is_silent(15, Listening.AWAY, "kafka:9092 refuses connections"))
    (incident,) = [one for one in story.engine.told() if one.kind == "source_silent"]
    assert "kafka:9092 refuses connections" in incident.summary


def test_name_that_is_none_reaches_no_command() -> None:
    """Namespaces come from envelopes."""
    odd = Origin(source="logs/0", namespace="x; rm -rf /", pod="p")
    story = Story().play(works(20, origin=odd), is_silent(12))
    (incident,) = [one for one in story.engine.told() if one.kind == "source_silent"]
    assert all("rm -rf" not in (step.command or "") for step in incident.remediation)


def test_silence_from_before_the_time_that_is_news_is_not_told() -> None:
    """A first start reads what a controller wrote that is long gone."""
    story = Story().play(works(20))
    late = at(30 * 86_400)
    heard = [
        story.engine.listen(Listened("kafka", Listening.CAUGHT_UP, 60.0, late, AFTER, late - timedelta(hours=1)))
        for _ in range(60)
    ]
    assert [] == [change for changes in heard for change in changes]


def test_restart_goes_on() -> None:
    """What was told before is resolved under its id, and not told again."""
    story, incident = _silent()
    again = Engine(EngineSettings(), rules())
    again.recall(story.engine.take_changes())
    assert [incident] == [one for one in again.told() if one.kind == "source_silent"]
    story.engine = again
    assert [] == list(is_silent(20)(story))
    (resolved,) = works(1)(story)
    assert (incident.id, 2, "resolved") == (resolved.id, resolved.revision, resolved.status)


def test_what_is_over_is_forgotten() -> None:
    """And what goes on is not."""
    story = Story().play(works(20), is_silent(12), works(2), is_silent(40))
    assert ["resolved", "open"] == [one.status for one in story.engine.told() if one.kind == "source_silent"]
    story.engine.forget(at(86_400))
    assert ["open"] == [one.status for one in story.engine.told() if one.kind == "source_silent"]


def test_incident_is_its_own_json() -> None:
    """As every other."""
    _, incident = _silent()
    assert incident == msgspec.json.decode(msgspec.json.encode(incident), type=Incident)
