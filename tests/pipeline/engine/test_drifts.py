"""Numbers that do not fit for long are told once, and only where nothing else explains them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from parsers.facts.seen import AnyFacts
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings, RuleOverride, RunawayRule
from tests.pipeline.engine.builders import WEB, at, back_off, complete
from tests.pipeline.engine.drift_stories import (
    CANARY,
    STABLE,
    Story,
    begin,
    condition,
    hpa_facts,
    rollout_facts,
    set_facts,
    watched,
)

LOW = rollout_facts(available=6)
LOW_SET = set_facts(available=6)
UPDATE = {"current_hash": CANARY, "phase": "Progressing"}

OPENED: dict[str, tuple[tuple[AnyFacts, ...], str]] = {
    "available below what maxUnavailable allows": (
        (LOW, LOW_SET),
        "6 of 10 pods are available, and maxUnavailable asks for 8",
    ),
    "no pod is available, which the status leaves out": (
        (rollout_facts(available=None), set_facts(available=None)),
        "0 of 10 pods are available, and maxUnavailable asks for 8",
    ),
    "ReplicaSets want more than is right": (
        (rollout_facts(current=14, available=14), set_facts(14)),
        "its ReplicaSets want 14 pods, and at this step 13 would be the most",
    ),
    "ReplicaSets want fewer": (
        (rollout_facts(current=7, available=7), set_facts(7)),
        "7 of 10 pods are available, and maxUnavailable asks for 8",
    ),
    "the HPA says something else": (
        (rollout_facts(), set_facts(), hpa_facts(21)),
        "its HPA wants 21 pods, and its spec says 10",
    ),
    "an old ReplicaSet should have been scaled down long ago": (
        (rollout_facts(), set_facts(), set_facts(2, CANARY, is_scaling_down_at=at(-60), available=2)),
        "ReplicaSets that were to be scaled down at 2026-03-01 11:59:00Z still want pods: web-54b8d7 (2)",
    ),
    "the status is of an older generation": (
        (rollout_facts(generation=4), set_facts()),
        "its generation is 4, and its status is of generation 3",
    ),
    "the status has other numbers than the ReplicaSets": (
        (rollout_facts(current=9), set_facts()),
        "its status says 9 pods, and its ReplicaSets have 10",
    ),
}


@pytest.mark.parametrize(("facts", "what"), OPENED.values(), ids=OPENED)
def test_opened_after_the_hold_time(facts: tuple[AnyFacts, ...], what: str) -> None:
    """Once, with its numbers, and blaming nobody."""
    story = Story().see(begin(*facts)).wait(290)
    assert [] == story.changes()
    (incident,) = story.wait(60).drifts()
    assert [(300, "opened", "numbers_do_not_fit")] == story.changes()
    assert what in incident.title
    assert not incident.cause.established
    assert ("unknown", "none", None) == (incident.cause.failure_class, incident.cause.basis, incident.cause.culprit)
    assert [("rollout", "shop", "web", at(0))] == [
        (one.kind, one.namespace, one.name, one.stuck_since_at) for one in incident.victims
    ]


SILENT: dict[str, tuple[AnyFacts, ...]] = {
    "a healthy one": (rollout_facts(), set_facts(), hpa_facts(10)),
    "a canary with surge": (
        rollout_facts(current=12, available=12, **UPDATE),
        set_facts(9),
        set_facts(3, CANARY),
    ),
    "a pause at a step with traffic routing": (
        rollout_facts(current=15, available=15, has_traffic_routing=True, step_weight=50, is_paused=True, **UPDATE),
        set_facts(10),
        set_facts(5, CANARY),
    ),
    "a canary of a set size": (
        rollout_facts(
            current=18, available=18, has_traffic_routing=True, step_weight=5, canary_scale_replicas=8, **UPDATE
        ),
        set_facts(10),
        set_facts(8, CANARY),
    ),
    "a full promotion that was asked for": (
        rollout_facts(
            current=20, available=20, has_traffic_routing=True, step_weight=5, is_promoting_full=True, **UPDATE
        ),
        set_facts(10),
        set_facts(10, CANARY),
    ),
    "both colours": (
        rollout_facts(current=20, available=10, strategy="blueGreen", **UPDATE),
        set_facts(10),
        set_facts(10, CANARY),
    ),
    "a scale-down delay": (
        rollout_facts(current=20, available=20),
        set_facts(10),
        set_facts(10, CANARY, is_scaling_down_at=at(3600)),
    ),
    "an aborted canary that stays": (
        rollout_facts(current=20, available=20, is_aborted=True, **UPDATE),
        set_facts(10),
        set_facts(10, CANARY),
    ),
    "scaled to zero": (
        rollout_facts(desired=0, current=None, available=None),
        set_facts(0),
        hpa_facts(10, conditions=(condition("ScalingActive", "False"),)),
    ),
    "an HPA that does not scale": (
        rollout_facts(),
        set_facts(),
        hpa_facts(21, conditions=(condition("ScalingActive", "False"),)),
    ),
    "an HPA that has not looked yet": (rollout_facts(), set_facts(), hpa_facts(0)),
    "one that is being deleted": (rollout_facts(available=0, is_deleting=True), set_facts(available=0)),
    "a manifest without a status": (
        rollout_facts(observed_generation=None, current=None, available=None, phase=""),
        set_facts(3, current=None),
    ),
    "a hash in the place of the generation": (rollout_facts(observed_generation=4_567_894, generation=9), set_facts()),
    "a hash that is smaller than the generation": (
        rollout_facts(observed_generation=5_555_555, generation=6_000_000),
        set_facts(),
    ),
    "an invalid spec, whose numbers are not written": (
        rollout_facts(current=7, conditions=(condition("InvalidSpec", "True"),)),
        set_facts(),
    ),
    "all may be unavailable": (rollout_facts(available=0, max_unavailable="100%"), set_facts(available=0)),
    "few enough are unavailable": (rollout_facts(available=8), set_facts(available=8)),
}


@pytest.mark.parametrize("facts", SILENT.values(), ids=SILENT)
def test_what_goes_on_on_purpose_is_not_told(facts: tuple[AnyFacts, ...]) -> None:
    """However long it lasts."""
    assert [] == Story().see(begin(*facts)).wait(3000, step=50).changes()


def _heal(seconds: float) -> list[object]:
    return [watched(seconds, rollout_facts()), watched(seconds, set_facts())]


def _low(seconds: float) -> list[object]:
    return [watched(seconds, LOW), watched(seconds, LOW_SET)]


Act = Callable[[Story], Story]


def sees(make: Callable[[float], list[object]]) -> Act:
    return lambda story: story.see(make(story.now))  # type: ignore[arg-type]


def waits(seconds: float, step: float = 10.0) -> Act:
    return lambda story: story.wait(seconds, step=step)


TOLD: dict[str, tuple[list[Act], list[tuple[float, str, str]]]] = {
    "resolved when everything fits again": (
        [sees(_low), waits(400), sees(_heal), waits(60)],
        [(300, "opened", "numbers_do_not_fit"), (400, "resolved", "numbers_fit")],
    ),
    "not at the first moment in which it fits": (
        [sees(_low), waits(400), sees(_heal), waits(20), sees(_low), waits(200)],
        [(300, "opened", "numbers_do_not_fit")],
    ),
    "over before it was told": ([sees(_low), waits(290), sees(_heal), waits(600)], []),
    "interrupted": ([sees(_low), waits(200), sees(_heal), waits(10), sees(_low), waits(290)], []),
    "back soon": (
        [sees(_low), waits(400), sees(_heal), waits(100), sees(_low), waits(400)],
        [
            (300, "opened", "numbers_do_not_fit"),
            (400, "resolved", "numbers_fit"),
            (300, "reopened", "numbers_do_not_fit_again"),
        ],
    ),
    "back after long": (
        [sees(_low), waits(400), sees(_heal), waits(1000), sees(_low), waits(400)],
        [
            (300, "opened", "numbers_do_not_fit"),
            (400, "resolved", "numbers_fit"),
            (1700, "opened", "numbers_do_not_fit"),
        ],
    ),
    "nobody looked": ([sees(_low), waits(100), waits(3600, 3600), waits(70)], []),
    "and went on looking": (
        [sees(_low), waits(100), waits(3600, 3600), waits(200)],
        [(3780, "opened", "numbers_do_not_fit")],
    ),
}


@pytest.mark.parametrize(("acts", "told"), TOLD.values(), ids=TOLD)
def test_story(acts: list[Act], told: list[tuple[float, str, str]]) -> None:
    """At the time from which it counts."""
    story = Story()
    for act in acts:
        story = act(story)
    assert told == story.changes()


def test_pods_that_become_available_one_by_one_are_waited_for() -> None:
    """As long as it gets better."""
    story = Story()
    for available in range(8):
        story.see(
            watched(story.now, rollout_facts(available=available)), watched(story.now, set_facts(available=available))
        )
        story.wait(200)
    assert [] == story.changes()
    assert [(1700, "opened", "numbers_do_not_fit")] == story.wait(200).changes()


def test_pods_that_come_and_go_are_no_progress() -> None:
    """A crash loop."""
    story = Story()
    for available in [5, 6] * 4:
        story.see(
            watched(story.now, rollout_facts(available=available)), watched(story.now, set_facts(available=available))
        )
        story.wait(60)
    assert [(360, "opened", "numbers_do_not_fit")] == story.changes()


def test_update_has_until_its_deadline() -> None:
    """`progressDeadlineSeconds`; the default is ten minutes."""
    story = Story().see(begin(rollout_facts(available=6, **UPDATE), LOW_SET)).wait(590)
    assert [] == story.changes()
    assert [(600, "opened", "numbers_do_not_fit")] == story.wait(20).changes()


def test_autoscaler_that_scaled_a_moment_ago_is_waited_for() -> None:
    """Its own time says when."""
    story = Story().see(begin(rollout_facts(), set_facts(), hpa_facts(21, last_scale_at=at(200)))).wait(490)
    assert [] == story.changes()
    assert [(500, "opened", "numbers_do_not_fit")] == story.wait(20).changes()


def test_stuck_rollout_has_no_second_incident() -> None:
    """The incident of the failure shows its numbers."""
    story = Story().see(begin(LOW, LOW_SET)).see(back_off(0, 900)).wait(900)
    assert [] == story.changes()
    (incident,) = story.engine.incidents()
    assert incident.victims[0].drift is not None


def test_drift_is_merged_when_the_failure_shows() -> None:
    """A log that came late."""
    story = Story().see(begin(LOW, LOW_SET)).wait(400).see(back_off(300, 600)).wait(300)
    (stuck,) = [one for one in story.engine.told() if one.kind == "stuck"]
    assert ["opened", "merged"] == [name for _, name, _ in story.changes()]
    (drift,) = story.drifts()
    assert ("merged", stuck.id, "victim_is_stuck") == (drift.status, drift.merged_into, drift.transition.reason)


def test_hold_time_begins_when_the_failure_is_over() -> None:
    """What a stuck Rollout looked like is its incident's."""
    story = Story().see(begin(LOW, LOW_SET)).see(back_off(0, 900)).wait(900)
    story.see(complete(910, key=WEB), complete(915, key=WEB)).wait(290)
    assert [] == story.changes()
    ((opened_at, name, _),) = story.wait(60).changes()
    assert ("opened", True) == (name, 1200 <= opened_at <= 1220)


def test_deleted_rollout_ends_its_drift() -> None:
    """There is nothing to fit any more."""
    story = Story().see(begin(LOW, LOW_SET)).wait(400).see(watched(405, LOW, is_deleted=True)).wait(60)
    assert (405, "resolved", "deleted") == story.changes()[-1]


def test_facts_follow_without_being_told_again() -> None:
    """The numbers are those of now."""
    story = Story().see(begin(LOW, LOW_SET)).wait(400)
    story.see(watched(400, rollout_facts(available=5)), watched(400, set_facts(available=5))).wait(10)
    (drift,) = story.drifts()
    assert 1 == drift.revision
    assert drift.victims[0].drift is not None
    assert 5 == drift.victims[0].drift["available"]


@pytest.mark.parametrize("restart_at", [5, 100, 290, 350], ids=str)
def test_restart_forgets_no_time(restart_at: float) -> None:
    """The same incident, with the same id."""
    whole = Story().see(begin(LOW, LOW_SET)).wait(restart_at).wait(600 - restart_at)
    broken = Story().see(begin(LOW, LOW_SET)).wait(restart_at).restart()
    broken.see(begin(LOW, LOW_SET, seconds=restart_at)).wait(600 - restart_at)
    assert whole.drifts() == broken.drifts()
    assert 1 == len(broken.drifts())


def test_condition_proves_how_long_it_has_lasted() -> None:
    """A first look at what was so long before."""
    shown = rollout_facts(available=6, conditions=(condition("Available", "False", -3600),))
    story = Story().see(begin(shown, LOW_SET)).wait(10)
    assert [(-3300, "opened", "numbers_do_not_fit")] == story.changes()


def test_one_snapshot_proves_nothing() -> None:
    """It has no duration, however long the logs beside it go on."""
    engine = Story().see(begin(LOW, LOW_SET)).see(complete(0), complete(5000)).engine
    engine.finish()
    assert [] == engine.incidents()


def _override(seconds: float | None) -> EngineSettings:
    override = RuleOverride(rule=RunawayRule(), namespace="shop", drift_seconds=seconds)
    return EngineSettings(overrides=(override,), drift_seconds=100)


@pytest.mark.parametrize(
    ("settings", "opened"),
    [
        (EngineSettings(drift_seconds=20), [20]),
        (EngineSettings(drift_seconds=0), []),
        (_override(None), [100]),
        (_override(50), [50]),
        (_override(0), []),
    ],
    ids=["shorter", "never", "an override that says nothing", "of its namespace", "never in its namespace"],
)
def test_hold_time_is_a_setting(settings: EngineSettings, opened: list[float]) -> None:
    """For all, and for some."""
    story = Story(settings).see(begin(LOW, LOW_SET)).wait(400)
    assert opened == [seconds for seconds, _, _ in story.changes()]


def test_incident_is_its_own_json() -> None:
    """As every other."""
    (incident,) = Story().see(begin(LOW, LOW_SET)).wait(400).drifts()
    assert incident == msgspec.json.decode(msgspec.json.encode(incident), type=Incident)


def test_what_is_over_is_forgotten() -> None:
    """And what goes on is not."""
    story = Story().see(begin(LOW, LOW_SET)).wait(400)
    story.engine.forget(at(86_400))
    assert ["open"] == [one.status for one in story.drifts()]
    story.see(_heal(400)).wait(60).engine.forget(at(86_400))  # type: ignore[arg-type]
    assert [] == story.drifts()


def test_evidence_shows_the_objects() -> None:
    """Those whose numbers count; a ReplicaSet without pods says nothing."""
    story = Story().see(begin(LOW, LOW_SET, set_facts(0, CANARY), hpa_facts(10))).wait(400)
    (incident,) = story.drifts()
    assert {
        "HorizontalPodAutoscaler shop/web: desiredReplicas 10",
        f"ReplicaSet shop/web-{STABLE}: spec.replicas 10, replicas 10, availableReplicas 6",
    } <= {one.text for one in incident.evidence}
    assert 3 == len(incident.evidence)
