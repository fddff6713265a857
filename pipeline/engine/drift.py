"""Replica drift: what a Rollout wants, what it has, what its HPA says, what its ReplicaSets run, and whether that fits.

A canary that waits at a step runs more than one ReplicaSet on purpose, with surge and scale-down delay; that is no drift.
Source: argo-rollouts utils/replicaset/canary.go, CalculateReplicaSetsForBasicCanary and …ForTrafficRoutedCanary, v1.7.
"""

from __future__ import annotations

import math

import msgspec

from parsers.object_facts import HpaFacts, ReplicaSetFacts, RolloutFacts


class Drift(msgspec.Struct, frozen=True):
    """The numbers of a Rollout; None where the snapshot does not say."""

    desired: int | None
    available: int | None
    hpa_desired: int | None
    running: int  # pods that all its ReplicaSets want
    stable: int | None  # pods that the stable ReplicaSet wants
    canary: int | None  # pods that the newest other ReplicaSet wants
    most_allowed: int | None  # pods that are as they should be at this step, at most

    @property
    def is_drift(self) -> bool:
        """Whether more runs than the step, surge and scale-down delay explain, or less is available than wanted."""
        too_many = self.most_allowed is not None and self.running > self.most_allowed
        too_few = self.desired is not None and self.available is not None and self.available < self.desired
        return too_many or too_few

    def as_numbers(self) -> dict[str, int]:
        """The numbers that are known, by name."""
        numbers = {
            "desired": self.desired,
            "available": self.available,
            "hpa_desired": self.hpa_desired,
            "replica_sets": self.running,
            "stable_replica_set": self.stable,
            "canary_replica_set": self.canary,
        }
        return {name: number for name, number in numbers.items() if number is not None}


def drift_of(rollout: RolloutFacts, replica_sets: list[ReplicaSetFacts], hpa: HpaFacts | None) -> Drift:
    """The drift of a Rollout, from facts of one snapshot."""
    wanted = {one.template_hash: one.desired or 0 for one in replica_sets}
    stable = wanted.get(rollout.stable_hash)
    others = [one for one in replica_sets if one.template_hash != rollout.stable_hash and (one.desired or 0)]
    return Drift(
        desired=rollout.desired,
        available=rollout.available,
        hpa_desired=hpa.desired if hpa is not None else None,
        running=sum(wanted.values()),
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


def explain(drift: Drift) -> str:
    """The numbers in a sentence."""
    parts = []
    if drift.desired is not None:
        parts.append(f"wanted {drift.desired}")
    if drift.available is not None:
        parts.append(f"available {drift.available}")
    if drift.hpa_desired is not None:
        parts.append(f"the HPA says {drift.hpa_desired}")
    runs = f"its ReplicaSets run {drift.running}"
    if drift.stable is not None and drift.canary is not None:
        runs += f" ({drift.stable} stable, {drift.canary} canary)"
    elif drift.stable is not None:
        runs += f" ({drift.stable} stable)"
    parts.append(runs)
    reason = ""
    if drift.most_allowed is not None and drift.running > drift.most_allowed:
        reason = f"; at this step at most {drift.most_allowed} would be right: they are not scaled while its syncs fail"
    return ", ".join(parts) + reason
