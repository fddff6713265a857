"""What objects show of a Rollout whose numbers do not fit, as evidence: one line for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parsers.facts.autoscalers import HpaFacts
from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.workloads import ReplicaSetFacts
from pipeline.engine.incidents import Evidence, LineProvenance
from pipeline.engine.inventory import Inventory
from pipeline.engine.misfits import Scene

RULE: Final = "objects"
"""Stands in the place of a rule: no message was read."""
MAX_SETS: Final = 8
_TELLING = ("Available", "Progressing", "Paused", "ReplicaFailure", "InvalidSpec", "AbleToScale", "ScalingActive")


def evidence_of(scene: Scene, inventory: Inventory) -> tuple[Evidence, ...]:
    """The Rollout, those of its ReplicaSets that have or want pods, and its HPA."""
    rollout = scene.rollout
    shown = [(rollout.ref, _of_rollout(rollout))]
    active = [one for one in scene.replica_sets if one.desired or one.current]
    shown += [(one.ref, _of_replica_set(one)) for one in active[:MAX_SETS]]
    if scene.hpa is not None:
        shown.append((scene.hpa.ref, _of_hpa(scene.hpa)))
    found = (_evidence(ref, text, inventory) for ref, text in shown)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.at))


def _evidence(ref: ObjectRef, text: str, inventory: Inventory) -> Evidence | None:
    at = inventory.seen_at(ref)
    return Evidence(at, f"{ref}: {text}", RULE, LineProvenance(str(ref), 0)) if at is not None else None


def _of_rollout(rollout: RolloutFacts) -> str:
    parts = [
        *_number("spec.replicas", rollout.desired),
        *_number("replicas", rollout.current or 0),
        *_number("availableReplicas", rollout.available or 0),
        *_number("generation", rollout.generation),
        *_number("observedGeneration", rollout.observed_generation),
        *_number("currentStepIndex", rollout.step_index),
        *([f"phase {rollout.phase}"] if rollout.phase else []),
        *(_condition(one) for one in rollout.conditions if one.type in _TELLING),
    ]
    return ", ".join(parts)


def _of_replica_set(replica_set: ReplicaSetFacts) -> str:
    parts = [
        *_number("spec.replicas", replica_set.desired),
        *_number("replicas", replica_set.current),
        *_number("availableReplicas", replica_set.available or 0),
        *(_condition(one) for one in replica_set.conditions if one.type in _TELLING),
    ]
    return ", ".join(parts)


def _of_hpa(hpa: HpaFacts) -> str:
    parts = [
        *_number("desiredReplicas", hpa.desired),
        *_number("currentReplicas", hpa.current),
        *_number("minReplicas", hpa.minimum),
        *_number("maxReplicas", hpa.maximum),
        *(_condition(one) for one in hpa.conditions if one.type in _TELLING),
    ]
    return ", ".join(parts)


def _number(name: str, value: int | None) -> Iterator[str]:
    if value is not None:
        yield f"{name} {value}"


def _condition(condition: ConditionFacts) -> str:
    reason = f" ({condition.reason})" if condition.reason else ""
    return f"{condition.type}={condition.status}{reason}"
