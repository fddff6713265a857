"""When a key counts as running away, since when, and when that is over."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from parsers.events import Event, ObjectKey
from pipeline.engine.settings import EngineSettings, RuleOverride, RunawayRule
from tests.pipeline.engine.builders import (
    JOB,
    LOG,
    OTHER_LOG,
    WEB,
    at,
    attempts,
    back_off,
    block,
    complete,
    count,
    delete,
    fail,
    healthy,
    incidents_of,
    lead,
    only,
    refuse,
    start,
)

Story = Sequence[Event | list[Event]]

RUNAWAYS: dict[str, tuple[Story, float | None]] = {
    "nothing but passes": ([healthy(0, 10, 20, 30, 300)], None),
    "eight seconds with N = 22 that heal": (
        [healthy(-60, -30), attempts([0, 1, 2, 4, 6, 8], first=17), healthy(9, 10, 60, 200)],
        None,
    ),
    "three failures, no pass for 60 s": ([healthy(-20, -10), attempts([0, 1, 2]), complete(300, key=JOB)], 60),
    "two failures, no pass for 60 s": ([healthy(-20, -10), attempts([0, 1]), complete(300, key=JOB)], None),
    "back-off": ([healthy(-20, -10), back_off(0, 200)], 60),
    "back-off that heals after 59 s": ([healthy(-20, -10), back_off(0, 50), healthy(59, 62, 200)], None),
    "back-off that heals after 65 s": ([healthy(-20, -10), back_off(0, 60), healthy(65, 70, 200)], 60),
    "pass that is not certain yet when the minute is over": (
        [healthy(-20, -10), back_off(0, 50), healthy(59.9), [complete(60.1, key=JOB), complete(90, key=JOB)]],
        None,
    ),
    "N = 20 at once, for 29 s": ([healthy(-20, -10), attempts([0, 10, 20], first=20), healthy(29, 30, 90)], None),
    "N = 20 at once, for 31 s": ([healthy(-20, -10), attempts([0, 10, 20, 30], first=20), healthy(31, 32, 90)], 30),
    "third failure comes late": ([healthy(-20, -10), attempts([0, 40, 80])], 80),
    "log begins in the middle": ([back_off(0, 30, first=300)], 0.002),
    "log begins in the middle, retry lines only": ([[count(0, 300), count(10, 301)]], 0),
    "refused again and again": ([healthy(-20, -10), [refuse(20 * number) for number in range(5)]], 60),
    "refused five times in a second, then silence": (
        [healthy(-20, -10), [refuse(0.2 * number) for number in range(5)], [complete(100, key=JOB)]],
        60,
    ),
    "silence where passes cannot be seen": ([[fail(0), fail(1), fail(2)], [fail(300, key=JOB)]], None),
    "failures for 60 s where passes cannot be seen": ([[fail(10 * number) for number in range(7)]], 60),
    "restart does not end it": ([healthy(-20, -10), attempts([0, 20]), start(25), attempts([30, 70])], 60),
    "new leader does not end it": (
        [healthy(-20, -10), attempts([0, 20, 40]), lead(45, origin=OTHER_LOG), attempts([50, 70], origin=OTHER_LOG)],
        60,
    ),
    "healed by the new leader": (
        [
            healthy(-20, -10),
            attempts([0, 20, 40]),
            lead(45, origin=OTHER_LOG),
            healthy(50, 55, 90, origin=OTHER_LOG),
            [complete(300, key=JOB)],
        ],
        None,
    ),
    "deleted before the minute is over": (
        [healthy(-20, -10), attempts([0, 20, 40]), delete(50), healthy(300, key=JOB)],
        None,
    ),
    "blocked by a condition": ([block(0), healthy(10, 20, 100)], 60),
    "blocked for a moment": ([block(0), block(30, None), healthy(10, 100)], None),
    "fails again after each success": (
        [healthy(-20, -10)]
        + [
            [*attempts([60 * number, 60 * number + 1]), *healthy(60 * number + 5, 60 * number + 9)]
            for number in range(6)
        ],
        None,
    ),
}


@pytest.mark.parametrize(("story", "opened"), RUNAWAYS.values(), ids=RUNAWAYS)
def test_key_runs_away(story: Story, opened: float | None) -> None:
    """At the first moment when the rule holds, or not at all."""
    of_web = [one for one in incidents_of(*story) if any(victim.name == WEB.name for victim in one.victims)]
    seconds = [(incident.opened_at - at(0)).total_seconds() for incident in of_web]
    assert seconds == ([] if opened is None else [pytest.approx(opened, abs=0.01)])


ONSETS: dict[str, tuple[Story, float, bool]] = {
    "beginning seen": ([healthy(-20, -10), back_off(0, 100)], 0, False),
    "first counts are those of events": ([healthy(-20, -10), attempts([0, 30, 60, 90], first=9)], 0, False),
    "log begins with N = 371": ([back_off(0, 100, first=371)], -3_576.381, True),
    "slow attempts stretch the estimate": ([attempts([40 * n for n in range(6)], first=100)], -4 * 866.383, True),
    "process started just before": ([start(-10), back_off(0, 100, first=371)], -10, True),
    "process started long before": ([start(-300), back_off(0, 100, first=371)], 0, False),
    "count that no process could print": ([attempts([10 * n for n in range(8)], first=9_999_999_900)], 0, False),
}


@pytest.mark.parametrize(("story", "seconds", "is_estimate"), ONSETS.values(), ids=ONSETS)
def test_trouble_is_known_since(story: Story, seconds: float, is_estimate: bool) -> None:
    """The first failure, or an estimate where the log begins in the middle; never before the count began."""
    (victim,) = only(*story).victims
    assert is_estimate is victim.stuck_since_is_estimate
    assert seconds == pytest.approx((victim.stuck_since_at - at(0)).total_seconds(), abs=1)


def test_log_that_was_watched_before_has_seen_the_beginning() -> None:
    """A high first count is then the work of events."""
    (victim,) = only([complete(-100, key=JOB)], attempts([0, 20, 40, 60], first=22)).victims
    assert (at(0.001), False) == (victim.stuck_since_at, victim.stuck_since_is_estimate)


def test_opening_does_not_move_when_more_is_read() -> None:
    """The id is made of it: a better estimate of the onset changes what is shown, not when it opened."""
    story = attempts([40 * number for number in range(30)], first=15)
    opened = {only(*story[:length]).opened_at for length in range(9, len(story) + 1, 3)}
    assert 1 == len(opened)


def _settings(**values: float) -> EngineSettings:
    return EngineSettings(runaway=RunawayRule(**values))  # type: ignore[arg-type]


THRESHOLDS: dict[str, tuple[EngineSettings, float | None]] = {
    "as it is": (_settings(), 60),
    "after two minutes": (_settings(failing_seconds=120, retries=1_000), 120),
    "after ten failures": (_settings(min_failures=20, retries=1_000), 66.381),
    "at the count": (_settings(retries=15, retries_seconds=0), 16.383),
    "never": (_settings(failing_seconds=10_000, retries=10_000), None),
}


@pytest.mark.parametrize(("settings", "opened"), THRESHOLDS.values(), ids=THRESHOLDS)
def test_rule_is_a_setting(settings: EngineSettings, opened: float | None) -> None:
    """Each of its numbers counts."""
    found = incidents_of(healthy(-20, -10), back_off(0, 300), settings=settings)
    seconds = [(incident.opened_at - at(0)).total_seconds() for incident in found]
    assert seconds == ([] if opened is None else [pytest.approx(opened, abs=0.01)])


QUIET = RunawayRule(failing_seconds=10_000, retries=10_000)
OVERRIDES = {
    "namespace": (RuleOverride(rule=QUIET, namespace="sh*"), []),
    "name": (RuleOverride(rule=QUIET, name="we?"), []),
    "kind": (RuleOverride(rule=QUIET, kind="rollout"), []),
    "another namespace": (RuleOverride(rule=QUIET, namespace="dev-*"), [WEB]),
    "another kind": (RuleOverride(rule=QUIET, kind="experiment"), [WEB]),
}


@pytest.mark.parametrize(("override", "keys"), OVERRIDES.values(), ids=OVERRIDES)
def test_override_is_for_the_keys_that_it_fits(override: RuleOverride, keys: list[ObjectKey]) -> None:
    """Patterns of namespace, name and kind."""
    found = incidents_of(healthy(-20, -10), back_off(0, 300), settings=EngineSettings(overrides=(override,)))
    assert keys == [
        ObjectKey(victim.kind, victim.namespace or "", victim.name or "") for one in found for victim in one.victims
    ]


def test_first_override_that_fits_wins() -> None:
    """Their order counts."""
    overrides = (RuleOverride(rule=QUIET, namespace="shop"), RuleOverride(rule=RunawayRule(), name="web"))
    assert [] == incidents_of(healthy(-20, -10), back_off(0, 300), settings=EngineSettings(overrides=overrides))


ENDINGS: dict[str, tuple[Story, float | None, str | None, float | None]] = {
    "goes on": ([back_off(0, 200)], None, None, None),
    "next pass": ([back_off(0, 200), healthy(205, 210)], None, "passed", 205),
    "deleted": ([back_off(0, 200), delete(205)], None, "deleted", 205),
    "pass of another pod": (
        [back_off(0, 200), lead(201, origin=OTHER_LOG), healthy(205, 210, origin=OTHER_LOG)],
        None,
        "passed",
        205,
    ),
    "silence where passes are seen": ([healthy(-20, -10), back_off(0, 200)], 4_000, None, None),
    "silence where passes are not seen": ([[fail(10 * number) for number in range(13)]], 400, "presumed", 120),
    "condition gone": ([block(0), block(200, None)], None, "unblocked", 200),
}


@pytest.mark.parametrize(("story", "until", "reason", "resolved"), ENDINGS.values(), ids=ENDINGS)
def test_incident_ends(story: Story, until: float | None, reason: str | None, resolved: float | None) -> None:
    """By a success of its victim, its deletion, or silence where nothing else can be seen."""
    incident = only(*story, until=until)
    assert (reason is not None) == (incident.status == "resolved")
    assert (None if resolved is None else at(resolved)) == incident.resolved_at
    assert reason is None or reason == incident.transition.reason


def test_silence_is_not_health() -> None:
    """A key that falls silent is stale; its incident stays open."""
    incident = only(healthy(-20, -10), back_off(0, 200), until=4_000)
    assert ("open", True) == (incident.status, incident.victims[0].is_stale)


def test_origin_of_the_last_failure_says_whether_passes_are_seen() -> None:
    """A log of another pod at level info does not make the silence of this one suspicious."""
    story = [
        [fail(0), fail(1), fail(2)],
        healthy(0, 300, 400, key=JOB, origin=OTHER_LOG),
        [fail(450, key=JOB, origin=LOG)],
    ]
    assert [] == incidents_of(*story)
