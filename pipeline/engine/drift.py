"""Replica drift: what a Rollout wants, what it has, what its HPA says, what its ReplicaSets run, and whether that fits.

A canary that waits at a step runs more than one ReplicaSet on purpose, with surge and scale-down delay: no drift.
Source: argo-rollouts utils/replicaset/canary.go, CalculateReplicaSetsForBasicCanary and …ForTrafficRoutedCanary, v1.7.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

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


def is_updating(rollout: RolloutFacts) -> bool:
    """Whether it is on its way to another pod template."""
    return bool(rollout.stable_hash and rollout.current_hash) and rollout.stable_hash != rollout.current_hash


def _most_allowed(rollout: RolloutFacts, replica_sets: list[ReplicaSetFacts]) -> int | None:
    """The most pods that a healthy Rollout may want right now."""
    if rollout.desired is None:
        return None
    desired = rollout.desired
    delayed = sum(one.desired or 0 for one in replica_sets if one.is_scaling_down_at is not None)
    if rollout.strategy == "blueGreen":
        return 2 * desired + delayed
    if rollout.has_traffic_routing and not rollout.dynamic_stable_scale:
        # The stable ReplicaSet keeps its full size; the canary comes on top by its weight.
        return desired + _canary_most(rollout, desired) + delayed
    surge = round_up(rollout.max_surge or "25%", desired)
    return desired + surge + delayed


def _canary_most(rollout: RolloutFacts, desired: int) -> int:
    if rollout.is_promoting_full:
        return desired
    if rollout.canary_scale_replicas is not None:
        return rollout.canary_scale_replicas
    weight = rollout.canary_scale_weight if rollout.canary_scale_weight is not None else rollout.step_weight
    share = math.ceil(desired * (weight if weight is not None else 100) / 100)
    return max(share, rollout.min_pods_per_replica_set or 0)


def round_up(value: str, of: int) -> int:
    """An int-or-percent field, rounded up as for maxSurge."""
    return _share(value, of, math.ceil)


def round_down(value: str, of: int) -> int:
    """An int-or-percent field, rounded down as for maxUnavailable."""
    return _share(value, of, math.floor)


def _share(value: str, of: int, rounded: Callable[[float], int]) -> int:
    text = value.strip()
    if text.endswith("%") and text[:-1].isdigit():
        return rounded(of * int(text[:-1]) / 100)
    return int(text) if text.isdigit() else of


NOTHING_SCALES: Final = "nothing scales them while the syncs fail"


def explain(numbers: Mapping[str, int], why: str = NOTHING_SCALES) -> str:
    """The numbers of `Drift.as_numbers` in a sentence; `why` there are too many pods, empty where that is not known."""
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
        reason = f"; at this step at most {most} would be right" + (f": {why}" if why else "")
    return ", ".join(parts) + reason
