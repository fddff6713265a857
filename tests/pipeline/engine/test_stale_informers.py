"""An informer that is behind is suspected where the status lags, the controller is heard, and nothing explains it."""

from __future__ import annotations

import pytest

from parsers.events import Event
from parsers.records import Origin
from pipeline.engine.incidents import Incident
from tests.pipeline.engine.builders import API, LOG, WEB, attempts, back_off, complete, fail, lead, see, start
from tests.pipeline.engine.drift_stories import Story, begin, rollout_facts, set_facts, watched

BEHIND = rollout_facts(generation=4)
MESH = Origin(source="mesh.log")


def _others(begin_at: float, until: float) -> list[Event]:
    """The controller syncs other objects, and prints so."""
    times = range(int(begin_at), int(until), 30)
    return [complete(seconds, key=API, generation=7) for seconds in times]


LOGS: dict[str, tuple[list[Event], tuple[str, ...]]] = {
    "others are synced": ([complete(-50, generation=3), *_others(-40, 400)], ("stale_informer_suspected",)),
    "an old generation is synced": (
        [*_others(-40, 400), complete(100, generation=3), complete(280, generation=3)],
        ("stale_informer_suspected",),
    ),
    "it is heard and was never met": (_others(0, 400), ("stale_informer_suspected",)),
    "it has synced the newest generation": ([*_others(-40, 400), complete(20, generation=4)], ("numbers_do_not_fit",)),
    "no log is read": ([], ("numbers_do_not_fit",)),
    "only another component's log is read": ([see(200, origin=MESH)], ("numbers_do_not_fit",)),
    "nothing was heard of it since": ([complete(-50, generation=3), *_others(-40, 0)], ()),
    "it ended soon after": ([complete(-50, generation=3), *_others(-40, 60)], ()),
    "it fails at the object": ([*_others(-40, 400), *attempts([350, 360, 370], first=1)], ()),
}


@pytest.mark.parametrize(("log", "reasons"), LOGS.values(), ids=LOGS)
def test_what_the_log_says(log: list[Event], reasons: tuple[str, ...]) -> None:
    """The status tells of generation 3, the API of 4."""
    story = Story().see(log, begin(BEHIND, set_facts())).wait(380)
    assert reasons == tuple(reason for _, _, reason in story.changes())


def test_stuck_rollout_is_another_story() -> None:
    """Its status cannot be written."""
    story = Story().see(begin(BEHIND, set_facts()), _others(0, 900), back_off(10, 900)).wait(900)
    assert [] == story.changes()


def test_controller_in_trouble_is_another_story() -> None:
    """It cannot list what it watches, and says so."""
    troubles = [see(seconds, "refused", carrier="reflector") for seconds in range(0, 600, 10)]
    story = Story().see(begin(BEHIND, set_facts()), start(-100), lead(-99), _others(-90, 600), troubles).wait(600)
    assert ["controller"] == [one.kind for one in story.engine.told()]


def _suspected() -> Incident:
    story = Story().see([complete(-50, generation=3), *_others(-40, 400)], begin(BEHIND, set_facts())).wait(380)
    (incident,) = story.drifts()
    return incident


def test_suspicion_is_weighed_and_accuses_nobody() -> None:
    """What speaks for it and against it, and how it is put to the test."""
    incident = _suspected()
    (suspect,) = incident.cause.suspects
    assert (None, False, "none") == (suspect.culprit, incident.cause.established, incident.cause.basis)
    assert ["status_disagrees", "others_are_synced", "older_generation"] == [one.reason for one in suspect.in_favour]
    assert ["not_visible"] == [one.reason for one in suspect.against]
    commands = [step.command or "" for step in incident.remediation]
    assert any("rollout restart" in command for command in commands)
    assert any("observedGeneration" in (one.command or "") for one in incident.cause.missing)
    assert "docs/causes/stale_informer.md" == incident.runbook_url


def test_without_a_log_it_is_said_that_it_is_missing() -> None:
    """Nobody can say what the controller does."""
    (incident,) = Story().see(begin(BEHIND, set_facts())).wait(380).drifts()
    assert any("controller's log" in one.what for one in incident.cause.missing)
    assert () == incident.cause.suspects


def test_suspicion_comes_to_numbers_that_were_told() -> None:
    """One incident, told again."""
    low = rollout_facts(available=6)
    story = Story().see(begin(low, set_facts(available=6)), _others(0, 900)).wait(400)
    story.see(watched(400, rollout_facts(available=6, generation=4))).wait(400)
    assert [
        (300, "opened", "numbers_do_not_fit"),
        (300, "updated", "stale_informer_suspected"),
    ] == story.changes()


def test_synced_at_last_is_resolved() -> None:
    """The status follows."""
    story = Story().see(begin(BEHIND, set_facts()), _others(0, 900)).wait(400)
    story.see(watched(400, rollout_facts(generation=4, observed_generation=4))).wait(60)
    assert (400, "resolved", "numbers_fit") == story.changes()[-1]


def test_failing_log_and_key_are_those_of_the_story() -> None:
    """The builders speak of the same controller."""
    assert (LOG, WEB) == (fail(0).origin, fail(0).key)
