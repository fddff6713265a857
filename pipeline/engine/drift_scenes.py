"""A Rollout and what belongs to it as they were at a time, from the versions that are remembered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from parsers.events import ObjectKey
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts
from parsers.facts.workloads import ReplicaSetFacts
from pipeline.engine.inventory import Seen
from pipeline.engine.misfits import Scene
from pipeline.engine.objects import ClusterObjects


def key_of(rollout: ObjectRef) -> ObjectKey:
    """The key of a Rollout."""
    return ObjectKey("rollout", rollout.namespace, rollout.name)


def ref_of(key: ObjectKey) -> ObjectRef:
    """The Rollout of a key."""
    return ObjectRef("Rollout", key.namespace, key.name)


def rollout_behind(ref: ObjectRef, objects: ClusterObjects) -> ObjectRef | None:
    """The Rollout in whose numbers an object has a part, as it is or as it was when it was deleted."""
    if ref.kind == "Rollout":
        return ref
    history = objects.versions.get(ref)
    seen = history[-1] if history else objects.gone.get(ref)
    match seen[1] if seen is not None else None:
        case ReplicaSetFacts(owner=ObjectRef(kind="Rollout") as owner):
            return owner
        case HpaFacts(target=ObjectRef(kind="Rollout") as target):
            return target
    return None


def breakpoints_of(key: ObjectKey, objects: ClusterObjects, after: datetime | None, until: datetime) -> list[datetime]:
    """When something of it became different, in a time; `after` None: since ever."""
    times = {at for history in _histories(key, objects) for at, _ in history}
    return sorted(at for at in times if (after is None or at > after) and at <= until)


def scene_at(key: ObjectKey, objects: ClusterObjects, at: datetime) -> Scene | None:
    """How it was, None where it was not known yet."""
    rollout = as_of(objects.versions.get(ref_of(key), ()), at)
    if not isinstance(rollout, RolloutFacts):
        return None
    inventory = objects.inventory()
    seen = (as_of(objects.versions[one.ref], at) for one in inventory.replica_sets(rollout.ref))
    hpa = inventory.autoscaler(rollout.ref)
    shown = as_of(objects.versions[hpa.ref], at) if hpa is not None else None
    return Scene(
        rollout,
        tuple(one for one in seen if isinstance(one, ReplicaSetFacts)),
        shown if isinstance(shown, HpaFacts) else None,
        are_sets_read=not objects.is_unread("ReplicaSet", key.namespace),
    )


def as_of(history: Sequence[Seen], at: datetime) -> AnyFacts | None:
    """The version of that time, None where there was none yet."""
    return next((facts for seen_at, facts in reversed(history) if seen_at <= at), None)


def _histories(key: ObjectKey, objects: ClusterObjects) -> list[Sequence[Seen]]:
    inventory, rollout = objects.inventory(), ref_of(key)
    refs = [rollout, *(one.ref for one in inventory.replica_sets(rollout))]
    hpa = inventory.autoscaler(rollout)
    refs += [hpa.ref] if hpa is not None else []
    return [objects.versions[ref] for ref in refs if ref in objects.versions]
