"""Controllers that do not renew their Leases: told once, with all that wait for them, and only with evidence."""

from __future__ import annotations

import msgspec
import pytest

from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.workloads import ReplicaSetFacts
from pipeline.engine.incidents import Incident
from pipeline.engine.leaders import LOCK
from pipeline.engine.lease_silence import LeaseSilence
from pipeline.engine.outages import MANAGER
from tests.pipeline.engine.builders import at, healthy
from tests.pipeline.engine.drift_stories import Story, begin, rollout_facts, set_facts, watched

LEASES = {MANAGER: ObjectRef("Lease", "kube-system", MANAGER), LOCK: ObjectRef("Lease", "argo-rollouts", LOCK)}
NAMES = ("cart", "search", "web")
OPENED = ("opened", "controller_silent")


def _lease(seconds: float | None, name: str = MANAGER, namespace: str = "") -> LeaseFacts:
    """As a watch shows it that saw it renewed at a time; None: as it was listed."""
    ref = LEASES[name] if not namespace else ObjectRef("Lease", namespace, name)
    return LeaseFacts(ref=ref, holder="node-1_8f2c", alive_at=at(seconds) if seconds is not None else None)


def _alive(story: Story, until: float, *names: str) -> Story:
    """Time goes on, and Leases are renewed."""
    while story.now < until:
        story.see(*(watched(story.now, _lease(story.now, name)) for name in names or LEASES))
        story.wait(30)
    return story


def _of(name: str, facts: RolloutFacts | ReplicaSetFacts) -> RolloutFacts | ReplicaSetFacts:
    """The same of another Rollout."""
    rollout = ObjectRef("Rollout", f"team-{name}", name)
    if isinstance(facts, RolloutFacts):
        return msgspec.structs.replace(facts, ref=rollout)
    ref = ObjectRef("ReplicaSet", rollout.namespace, facts.ref.name.replace("web", name))
    return msgspec.structs.replace(facts, ref=ref, owner=rollout)


def _story() -> Story:
    """Three Rollouts that are well, with all Leases alive for two minutes."""
    story = Story()
    for name in NAMES:
        story.see(begin(_of(name, rollout_facts()), _of(name, set_facts())))
    return _alive(story, 120)


def _scale(story: Story, *names: str) -> Story:
    """They want five pods more; ReplicaSets follow, and nobody makes the pods."""
    for name in names or NAMES:
        wants = rollout_facts(desired=20, generation=4, observed_generation=4)
        story.see(
            watched(story.now, _of(name, wants)), watched(story.now, _of(name, set_facts(20, current=10, available=10)))
        )
    return story


def _recover(story: Story, *names: str) -> Story:
    """All pods are there."""
    for name in names or NAMES:
        well = rollout_facts(desired=20, current=20, available=20, generation=4, observed_generation=4)
        story.see(watched(story.now, _of(name, well)), watched(story.now, _of(name, set_facts(20))))
    return story


def _told(story: Story) -> list[tuple[str, str]]:
    return [(one.transition.name, one.transition.reason) for one in story.told]


def _victims(incident: Incident) -> list[str | None]:
    return [victim.name for victim in incident.victims]


def test_controller_manager_that_is_gone() -> None:
    """One incident with all that wait for it, and with the Lease as its evidence; over when they have come together."""
    story = _scale(_alive(_story(), 150, LOCK))
    _alive(story, 900, LOCK)
    assert [OPENED] == _told(story)
    (incident,) = story.drifts()
    assert list(NAMES) == _victims(incident)
    culprit = incident.cause.culprit
    assert culprit is not None
    assert ("leader_election", True, "Lease", "kube-system", MANAGER) == (
        incident.cause.failure_class,
        incident.cause.established,
        culprit.kind,
        culprit.namespace,
        culprit.name,
    )
    assert "kube-controller-manager does not renew its Lease: the numbers of 3 rollouts do not fit" in incident.title
    assert "Lease kube-system/kube-controller-manager: renewed last about" in incident.evidence[0].text
    assert "critical" == incident.severity  # three namespaces

    _alive(story, 960)
    assert [OPENED] == _told(story)
    _alive(_recover(story), 1100)
    assert [OPENED, ("resolved", "leads_again")] == _told(story)


def test_rollouts_controller_that_does_not_lead() -> None:
    """Its Lease is not renewed, and the status of no Rollout is written."""
    story = _alive(_story(), 150, MANAGER)
    for name in NAMES:
        story.see(watched(story.now, _of(name, rollout_facts(generation=4, desired=30))))
    _alive(story, 900, MANAGER)
    assert [OPENED] == _told(story)
    (incident,) = story.drifts()
    assert "the Argo Rollouts controller does not renew its Lease" in incident.title
    assert list(NAMES) == _victims(incident)


def test_one_more_victim_is_an_update() -> None:
    """And one that has recovered stays one."""
    story = _scale(_alive(_story(), 150, LOCK), "cart")
    _alive(story, 700, LOCK)
    _scale(story, "web")
    _alive(story, 760, LOCK)
    assert [OPENED, ("updated", "new_victim")] == _told(story)
    assert ["cart", "web"] == _victims(story.drifts()[0])


def test_what_did_not_fit_before_is_not_its_work() -> None:
    """Pods were missing when it still worked: the drift of that one is told as it is."""
    story = _alive(_scale(_story(), "web"), 240)
    _scale(_alive(story, 270, LOCK), "cart")
    _alive(story, 900, LOCK)
    assert {OPENED, ("opened", "numbers_do_not_fit")} == set(_told(story))
    by_reason = {one.transition.reason: one for one in story.drifts()}
    assert ["cart"] == _victims(by_reason["controller_silent"])
    assert ["web"] == _victims(by_reason["numbers_do_not_fit"])
    assert by_reason["numbers_do_not_fit"].cause.culprit is None


def test_drifts_that_were_told_before_are_merged() -> None:
    """Where the hold time is shorter than what proves that a Lease is silent."""
    story = Story(msgspec.structs.replace(Story().settings, drift_seconds=30))
    for name in NAMES:
        story.see(begin(_of(name, rollout_facts()), _of(name, set_facts())))
    _scale(_alive(_alive(story, 120), 150, LOCK))
    _alive(story, 600, LOCK)
    told = _told(story)
    assert 3 == told.count(("opened", "numbers_do_not_fit")) == told.count(("merged", "same_cause"))
    assert 1 == told.count(OPENED)
    assert {one.merged_into for one in story.drifts() if one.status == "merged"} == {
        one.id for one in story.drifts() if one.status == "open"
    }


NO_EVIDENCE = {
    "it is renewed": (MANAGER, LOCK),
    "only that of another controller is not": (MANAGER,),
}


@pytest.mark.parametrize("alive", NO_EVIDENCE.values(), ids=NO_EVIDENCE)
def test_each_is_told_by_itself_without_evidence(alive: tuple[str, ...]) -> None:
    """And nobody is blamed."""
    story = _alive(_scale(_story()), 900, *alive)
    assert [("opened", "numbers_do_not_fit")] * 3 == _told(story)
    assert all(one.cause.culprit is None for one in story.drifts())


def test_lease_that_was_only_listed_proves_nothing() -> None:
    """It may have been left behind; so may be one that cannot be read, which is never seen at all."""
    story = Story().see(begin(_lease(None), _lease(None, LOCK)))
    for name in NAMES:
        story.see(begin(_of(name, rollout_facts()), _of(name, set_facts())))
    story.wait(120)
    _scale(story).wait(600)
    assert [("opened", "numbers_do_not_fit")] * 3 == _told(story)


def test_controller_that_works_without_its_lease() -> None:
    """Its passes are read: the Lease is one that it does not use any more."""
    story = _alive(_story(), 150, MANAGER)
    for name in NAMES:
        story.see(watched(story.now, _of(name, set_facts(40))))
    while story.now < 900:
        story.see(healthy(story.now))
        _alive(story, story.now + 30, MANAGER)
    assert [("opened", "stale_informer_suspected")] * 3 == _told(story)


def test_one_of_two_leases_that_is_renewed_is_enough() -> None:
    """Two controllers, each for some namespaces: nobody knows for which."""
    story = _story().see(watched(120, _lease(120, LOCK, "team-controllers")))
    for name in NAMES:
        story.see(watched(story.now, _of(name, set_facts(40))))
    while story.now < 900:
        story.see(watched(story.now, _lease(story.now, LOCK, "team-controllers")))
        _alive(story, story.now + 30, MANAGER)
    assert OPENED not in _told(story)


def test_time_in_which_nobody_looked_does_not_count() -> None:
    """The API server was away: nobody could renew anything, and nobody could see it."""
    silence = LeaseSilence(150)
    silence.look([_lease(0)], None, at(0))
    silence.look([_lease(0)], at(0), at(3600))
    assert silence.silent(MANAGER) is None
    for second in range(3600, 3760, 10):
        silence.look([_lease(0)], at(second), at(second + 10))
    assert silence.silent(MANAGER) is not None
    silence.look([_lease(3780)], at(3760), at(3780))
    assert silence.silent(MANAGER) is None


def test_after_a_restart_it_goes_on() -> None:
    """What was told is not told twice, and its end is."""
    story = _alive(_scale(_alive(_story(), 150, LOCK)), 700, LOCK).restart()
    _alive(story, 800, LOCK)
    assert [OPENED] == _told(story)
    _alive(_recover(story), 900)
    assert "resolved" == _told(story)[-1][0]


def test_rollouts_that_do_not_come_together_are_told_by_themselves() -> None:
    """When the controller has worked again for the hold time."""
    story = _alive(_scale(_alive(_story(), 150, LOCK)), 700, LOCK)
    _alive(_recover(story, "cart", "search"), 1200)
    assert [OPENED, ("resolved", "leads_again"), ("opened", "numbers_do_not_fit")] == _told(story)
    assert ["web"] == _victims(story.drifts()[0])
