"""The numbers of a victim: as they are while it is stuck, and as they were then when that is over.

A repair changes the numbers within a second, before anybody can know that it was one. So those of the last failure are
looked up in the versions of the objects, and stay as they were told once: what the Rollout does later is another story.
"""

from __future__ import annotations

from parsers.events import ObjectKey
from pipeline.engine.drift import drift_of
from pipeline.engine.drift_scenes import scene_at
from pipeline.engine.incidents import Victim
from pipeline.engine.inventory import Inventory
from pipeline.engine.objects import LAST_SECONDS
from pipeline.engine.surroundings import Surroundings

Numbers = dict[str, int]


def numbers_of(victim: Victim, key: ObjectKey, around: Surroundings, *, is_blocked: bool) -> Numbers | None:
    """What the Rollout wants and has, None where no object of it was seen.

    Args:
        victim: without its numbers.
        key: the same.
        around: what was seen, and what was told before.
        is_blocked: its pods could not be created: that ends when an object says so, not with a line.
    """
    if victim.recovered_at is None:
        return _newest(key, around.inventory)
    told = around.told_victim(victim)
    before = told.drift if told is not None else None
    if before is not None and told is not None and told.recovered_at is not None:
        return before
    # A ReplicaSet has pods again before its condition goes.
    stuck_at = max(victim.first_seen_at, victim.recovered_at - LAST_SECONDS) if is_blocked else victim.last_seen_at
    scene = scene_at(key, around.state.objects, stuck_at) if key.kind == "rollout" else None
    if scene is not None and scene.rollout.has_status:
        return drift_of(scene.rollout, list(scene.replica_sets), scene.hpa).as_numbers()
    return before or _newest(key, around.inventory)  # objects that were seen later only: better than nothing


def _newest(key: ObjectKey, inventory: Inventory) -> Numbers | None:
    rollout = inventory.rollout(key)
    if rollout is None or not rollout.has_status:  # a manifest tells nothing of what runs
        return None
    return drift_of(rollout, inventory.replica_sets(rollout.ref), inventory.autoscaler(rollout.ref)).as_numbers()
