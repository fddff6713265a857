"""An incident tells the numbers of its trouble, whatever the Rollout does when that is over."""

from __future__ import annotations

from parsers.events import Event
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import ObjectSeen
from parsers.facts.workloads import ReplicaSetFacts
from parsers.records import Origin
from pipeline.engine.incidents import Incident
from tests.pipeline.engine.builders import at, back_off, block, changes_of, complete, fed, healthy, only
from tests.pipeline.engine.object_builders import ROLLOUT, WEB_SET

WATCH = Origin(source="objects")


def _rollout(seconds: float, desired: int, available: int) -> ObjectSeen:
    """As a watch shows it."""
    facts = RolloutFacts(ref=ROLLOUT, observed_generation=1, desired=desired, available=available)
    return ObjectSeen(at(seconds), WATCH, 0, facts)


def _replica_set(seconds: float, desired: int) -> ObjectSeen:
    ref = ObjectRef("ReplicaSet", "shop", WEB_SET)
    return ObjectSeen(at(seconds), WATCH, 0, ReplicaSetFacts(ref=ref, owner=ROLLOUT, desired=desired, current=desired))


STUCK = [_rollout(-30, 21, 16), _replica_set(-30, 24), *healthy(-20, -10), *back_off(0, 200)]
"""Its last failure is at 197.4 s."""


def _numbers(incident: Incident) -> tuple[int | None, int | None, int | None]:
    drift = incident.victims[0].drift or {}
    return drift.get("desired"), drift.get("available"), drift.get("replica_sets")


def test_numbers_follow_while_it_is_stuck() -> None:
    """Somebody scales what cannot be scaled."""
    assert (30, 16, 24) == _numbers(only(STUCK, _rollout(199, 30, 16)))


def test_repair_does_not_change_them() -> None:
    """The pass that ends the trouble has changed the objects before it is over itself."""
    repair = [_replica_set(204, 21), _rollout(204.2, 21, 21), complete(205), complete(230)]
    incident = only(STUCK, repair)
    assert ("resolved", (21, 16, 24)) == (incident.status, _numbers(incident))


def test_repair_with_many_changes() -> None:
    """Each pod that becomes ready changes the Rollout, and versions are bounded."""
    catching_up: list[Event] = [_rollout(204 + number / 10, 21, 16 + number) for number in range(1, 6)]
    incident = only(STUCK, catching_up, complete(205), complete(230))
    assert (21, 16, 24) == _numbers(incident)


def test_what_happens_later_does_not_change_them() -> None:
    """However often the Rollout is scaled."""
    later: list[Event] = [_rollout(300 + 40 * number, 30 + number, 30) for number in range(9)]
    incident = only(STUCK, complete(205), complete(230), later)
    assert (21, 16, 24) == _numbers(incident)


def test_who_is_told_of_the_end_gets_the_numbers_of_the_trouble() -> None:
    """As those who are told of its beginning."""
    told = changes_of(STUCK, _replica_set(204, 21), _rollout(204.2, 21, 21), complete(205), complete(230))
    assert [("opened", (21, 16, 24)), ("resolved", (21, 16, 24))] == [
        (one.transition.name, _numbers(one)) for one in told
    ]


def test_pods_that_could_not_be_created() -> None:
    """That ends with the condition, not with a line, and pods come before it goes."""
    begun: list[Event] = [
        _rollout(-30, 16, 16),
        *healthy(-20, -10),
        block(0),
        _rollout(10, 21, 16),
        *healthy(30, 60, 90),
    ]
    incident = only(begun, _rollout(118, 21, 20), block(120, None), _rollout(120.5, 21, 21), *healthy(130, 160))
    assert ("resolved", (21, 16, None)) == (incident.status, _numbers(incident))


def test_snapshot_that_was_taken_later() -> None:
    """It is the only one, and better than nothing."""
    incident = only(healthy(-20, -10), back_off(0, 200), complete(205), complete(230), _rollout(400, 21, 20))
    assert (21, 20, None) == _numbers(incident)


def test_rollout_that_is_deleted_later() -> None:
    """Its numbers stay."""
    engine = fed(STUCK, complete(205), complete(230))
    (gone,) = [one for one in STUCK if isinstance(one, ObjectSeen) and isinstance(one.facts, RolloutFacts)]
    engine.feed(ObjectSeen(at(400), WATCH, 0, gone.facts, is_deleted=True))
    engine.finish()
    assert [(21, 16, 24)] == [_numbers(incident) for incident in engine.incidents()]
