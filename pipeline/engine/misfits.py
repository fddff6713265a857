"""What does not fit in the numbers of one Rollout, as its objects show them at one time. Pure, and blames nobody.

What goes on on purpose is no misfit: a pause at a step, surge, a scale-down delay, an abort, a Rollout that goes away
or is scaled to zero. How long it must last `drift_clock` knows.
Source: argo-rollouts v1.7.1, rollout/sync.go (calculateBaseStatus, scaleReplicaSet), utils/defaults, utils/replicaset.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from parsers.facts.autoscalers import HpaFacts
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.workloads import ReplicaSetFacts
from pipeline.engine.drift import drift_of, is_updating, round_down, round_up
from pipeline.engine.phrases import moment_text

DEFAULT_PROGRESS_SECONDS: Final = 600
"""Of `spec.progressDeadlineSeconds`."""
LARGEST_GENERATION: Final = 1_000_000
"""Before v1.0 `status.observedGeneration` is a hash of the spec, which may be all digits: seven of them or more."""


class MisfitKind(enum.Enum):
    """What does not fit. The order is that in which they are told."""

    TOO_FEW_AVAILABLE = "too_few_available"
    TOO_MANY_WANTED = "too_many_wanted"
    TOO_FEW_WANTED = "too_few_wanted"
    AUTOSCALER_DIFFERS = "autoscaler_differs"
    GENERATION_BEHIND = "generation_behind"
    STATUS_BEHIND = "status_behind"


OF_STATUS: Final = frozenset({MisfitKind.GENERATION_BEHIND, MisfitKind.STATUS_BEHIND})
"""Those that say that the status was not written, which is the controller's work."""


class Scene(msgspec.Struct, frozen=True):
    """A Rollout and what belongs to it, at one time."""

    rollout: RolloutFacts
    replica_sets: tuple[ReplicaSetFacts, ...]  # newest revision first
    hpa: HpaFacts | None
    are_sets_read: bool = True  # False: ReplicaSets may not be read, and what is not there may be


class Misfit(msgspec.Struct, frozen=True):
    """One thing that does not fit."""

    kind: MisfitKind
    what: str  # with the numbers
    proven_since: datetime | None = None  # the objects themselves say that it has been so since then
    not_before: datetime | None = None  # until then it was as it should be
    at_least_seconds: float = 0.0  # it may last so long on purpose
    progress: tuple[int, int] | None = None  # as long as one of them grows, things get better


def find_misfits(scene: Scene) -> list[Misfit]:
    """Everything that does not fit."""
    rollout = scene.rollout
    if not rollout.has_status or rollout.is_deleting:
        return []
    return [*_of_availability(scene), *_of_wanted(scene), *_of_autoscaler(scene), *_of_status(scene)]


def least_available(rollout: RolloutFacts, desired: int) -> int:
    """How many pods have to be available, as maxUnavailable says."""
    is_canary = rollout.strategy != "blueGreen"
    unavailable = round_down(rollout.max_unavailable or ("25%" if is_canary else "0"), desired)
    if is_canary and not unavailable and not round_up(rollout.max_surge or "25%", desired):
        unavailable = 1
    return max(0, desired - unavailable)


def _of_availability(scene: Scene) -> Iterator[Misfit]:
    rollout, desired = scene.rollout, scene.rollout.desired
    if not desired:
        return
    of_sets = sum(one.available or 0 for one in scene.replica_sets)
    available = max(rollout.available or 0, of_sets)  # a status that was not written is another misfit
    least = least_available(rollout, desired)
    if available >= least:
        return
    updating = is_updating(rollout)
    deadline = rollout.progress_deadline_seconds
    deadline = DEFAULT_PROGRESS_SECONDS if deadline is None else deadline
    yield Misfit(
        MisfitKind.TOO_FEW_AVAILABLE,
        f"{available} of {desired} pods are available, and maxUnavailable asks for {least}",
        proven_since=None if updating or rollout.is_paused else _unavailable_since(rollout),
        at_least_seconds=float(deadline) if updating else 0.0,
        progress=(available, desired),
    )


def _unavailable_since(rollout: RolloutFacts) -> datetime | None:
    """The condition is true again as soon as all pods are available: while it is false they never were."""
    return next(
        (one.changed_at for one in rollout.conditions if (one.type, one.status) == ("Available", "False")), None
    )


def _of_wanted(scene: Scene) -> Iterator[Misfit]:
    """What the ReplicaSets want, all together."""
    rollout = scene.rollout
    drift = drift_of(rollout, list(scene.replica_sets), scene.hpa)
    if rollout.desired is None or drift.wanted is None or not scene.are_sets_read:
        return
    if drift.wanted < least_available(rollout, rollout.desired):
        what = f"its ReplicaSets want {drift.wanted} pods, and it wants {rollout.desired}"
        yield Misfit(MisfitKind.TOO_FEW_WANTED, what)
    if rollout.is_aborted or drift.most_allowed is None:  # the canary may stay for as long as the spec says
        return
    if drift.wanted > drift.most_allowed:
        what = f"its ReplicaSets want {drift.wanted} pods, and at this step {drift.most_allowed} would be the most"
        yield Misfit(MisfitKind.TOO_MANY_WANTED, what)
    elif not rollout.is_paused and (late := _late(scene)):
        at = min(one.is_scaling_down_at for one in late if one.is_scaling_down_at is not None)
        names = ", ".join(f"{one.ref.name} ({one.desired})" for one in late)
        what = f"ReplicaSets that were to be scaled down at {moment_text(at)} still want pods: {names}"
        yield Misfit(MisfitKind.TOO_MANY_WANTED, what, not_before=at)


def _late(scene: Scene) -> list[ReplicaSetFacts]:
    """Those with a time to be scaled down at, which may be over."""
    in_use = {scene.rollout.stable_hash, scene.rollout.current_hash}
    return [
        one
        for one in scene.replica_sets
        if one.is_scaling_down_at is not None and one.desired and one.template_hash not in in_use
    ]


def _of_autoscaler(scene: Scene) -> Iterator[Misfit]:
    hpa, desired = scene.hpa, scene.rollout.desired
    if hpa is None or not hpa.desired or not desired or hpa.desired == desired:
        return
    if any((one.type, one.status) == ("ScalingActive", "False") for one in hpa.conditions):
        return  # it says itself that it does not scale
    what = f"its HPA wants {hpa.desired} pods, and its spec says {desired}"
    yield Misfit(MisfitKind.AUTOSCALER_DIFFERS, what, not_before=hpa.last_scale_at)


def _of_status(scene: Scene) -> Iterator[Misfit]:
    """Status and API disagree: nobody has written the status since."""
    rollout = scene.rollout
    seen, now = rollout.observed_generation, rollout.generation
    if seen is not None and now is not None and 0 <= seen < now < LARGEST_GENERATION:
        what = f"its generation is {now}, and its status is of generation {seen}"
        yield Misfit(MisfitKind.GENERATION_BEHIND, what)
    if not scene.are_sets_read or not scene.replica_sets or not all(one.has_status for one in scene.replica_sets):
        return
    is_invalid = any(one.type == "InvalidSpec" for one in rollout.conditions)  # its numbers are not written then
    pods, told = sum(one.current or 0 for one in scene.replica_sets), rollout.current or 0
    if pods != told and not is_invalid:
        what = f"its status says {told} pods, and its ReplicaSets have {pods}"
        yield Misfit(MisfitKind.STATUS_BEHIND, what)
