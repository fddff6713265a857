"""Replica drift: what a Rollout wants, what it has, what its HPA says, what its ReplicaSets run, and whether that fits.

A canary that waits at a step runs more than one ReplicaSet on purpose, with surge and scale-down delay: no drift.
Source: argo-rollouts utils/replicaset/canary.go, CalculateReplicaSetsForBasicCanary and …ForTrafficRoutedCanary, v1.7.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from parsers.facts.autoscalers import HpaFacts
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.workloads import ReplicaSetFacts


class Drift(msgspec.Struct, frozen=True):
    """The numbers of a Rollout; None where the snapshot does not say."""

    desired: int | None
    available: int | None
    hpa_desired: int | None
    wanted: int | None  # pods that all its ReplicaSets want
    pods: int | None  # pods that they have
    stable: int | None  # pods that the stable ReplicaSet wants
    canary: int | None  # pods that the newest other ReplicaSet wants
    most_allowed: int | None  # pods that are as they should be at this step, at most

    def as_numbers(self) -> dict[str, int]:
        """The numbers that are known, by name."""
        numbers = {
            "desired": self.desired,
            "available": self.available,
            "hpa_desired": self.hpa_desired,
            "replica_sets": self.wanted,
            "pods": self.pods,
            "stable_replica_set": self.stable,
            "canary_replica_set": self.canary,
            "most_allowed": self.most_allowed,
        }
        return {name: number for name, number in numbers.items() if number is not None}


def drift_of(rollout: RolloutFacts, replica_sets: list[ReplicaSetFacts], hpa: HpaFacts | None) -> Drift:
    """The drift of a Rollout, from facts of one snapshot."""
    replica_sets = [one for one in replica_sets if one.has_status]
    wanted = {one.template_hash: one.desired or 0 for one in replica_sets}
    stable = wanted.get(rollout.stable_hash)
    others = [one for one in replica_sets if one.template_hash != rollout.stable_hash and (one.desired or 0)]
    return Drift(
        desired=rollout.desired,
        available=rollout.available,
        hpa_desired=hpa.desired if hpa is not None else None,
        wanted=sum(wanted.values()) if replica_sets else None,
        pods=sum(one.current or 0 for one in replica_sets) if replica_sets else None,
        stable=stable,
        canary=others[0].desired if others else None,
        most_allowed=_most_allowed(rollout, replica_sets),
    )


def _most_allowed(rollout: RolloutFacts, replica_sets: list[ReplicaSetFacts]) -> int | None:
    """The most pods that a healthy Rollout may want right now."""
    if rollout.desired is None:
        return None
    desired = rollout.desired
    delayed = sum(one.desired or 0 for one in replica_sets if one.is_scaling_down_at is not None)
    if rollout.strategy == "blueGreen":
        return 2 * desired + delayed
    surge = _share(rollout.max_surge or "25%", desired)
    if rollout.has_traffic_routing and not rollout.dynamic_stable_scale:
        # The stable ReplicaSet keeps its full size; the canary comes on top by its weight.
        weight = rollout.step_weight if rollout.step_weight is not None else 100
        return desired + math.ceil(desired * weight / 100) + delayed
    return desired + surge + delayed


def _share(value: str, of: int) -> int:
    """An int-or-percent field, rounded up as for maxSurge."""
    text = value.strip()
    if text.endswith("%") and text[:-1].isdigit():
        return math.ceil(of * int(text[:-1]) / 100)
    return int(text) if text.isdigit() else of


def explain(numbers: Mapping[str, int]) -> str:
    """The numbers of `Drift.as_numbers` in a sentence."""
    names = {"desired": "wanted", "available": "available", "hpa_desired": "the HPA says"}
    parts = [f"{words} {numbers[name]}" for name, words in names.items() if name in numbers]
    shares = {"stable_replica_set": "stable", "canary_replica_set": "canary"}
    shown = ", ".join(f"{numbers[name]} {words}" for name, words in shares.items() if name in numbers)
    wanted, most = numbers.get("replica_sets"), numbers.get("most_allowed")
    if wanted is not None:
        has = f" and have {numbers['pods']}" if "pods" in numbers else ""
        parts.append(f"its ReplicaSets want {wanted}" + (f" ({shown})" if shown else "") + has)
    reason = ""
    if wanted is not None and most is not None and wanted > most:
        reason = f"; at this step at most {most} would be right: nothing scales them while the syncs fail"
    return ", ".join(parts) + reason
