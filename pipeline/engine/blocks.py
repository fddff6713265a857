"""From pods that could not be created to streaks of the Rollouts that wanted them: a pure function of the state.

A block is over when a pod was created, the condition is gone, or the Rollout is healthy, whichever origin shows it; and
attempts are over where nothing was tried again for much longer than the back-off makes one wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from parsers.events import ObjectKey
from parsers.facts.references import ObjectRef
from parsers.records import Origin
from pipeline.engine.creations import CreationHistory, PodCreations, given_up_at
from pipeline.engine.owners import Owners
from pipeline.engine.streak import EndReason, Streak

_NOTHING = CreationHistory()


class Blocks(msgspec.Struct, frozen=True):
    """What blocked one Rollout, and when it was seen to be free of it."""

    streaks: tuple[Streak, ...] = ()
    recovered_at: tuple[datetime, ...] = ()


FREE = Blocks()


def find_blocks(
    creations: PodCreations, owners: Owners, seen_until: Mapping[Origin, datetime]
) -> dict[ObjectKey, Blocks]:
    """The blocks of every Rollout that has had one; `seen_until` says up to when an origin was watched."""
    found: dict[ObjectKey, list[Streak]] = {}
    for ref, history in creations.histories.items():
        if not history.streaks:
            continue
        key = owners.key_of(ref) if ref.kind == "Rollout" else owners.rollout_of(ref)
        if key is not None:
            streaks = _without_given_up(history, seen_until)
            found.setdefault(key, []).extend(settle(streaks, history.recovered_at))
    return {
        key: Blocks(tuple(streaks), tuple(_of_rollout(creations, key).unblocked_at))
        for key, streaks in sorted(found.items())
    }


def settle(streaks: Iterable[Streak], recovered_at: Sequence[datetime]) -> list[Streak]:
    """The streaks, those that block ended by the first recovery after them."""
    return [_settled(streak, recovered_at) for streak in streaks]


def _settled(streak: Streak, recovered_at: Sequence[datetime]) -> Streak:
    if not streak.is_blocked or streak.ended_at is not None:
        return streak
    at = min((at for at in recovered_at if at > streak.last_at), default=None)
    return streak if at is None else msgspec.structs.replace(streak, ended_at=at, end=EndReason.UNBLOCKED)


def _without_given_up(history: CreationHistory, seen_until: Mapping[Origin, datetime]) -> Iterable[Streak]:
    for origin, streaks in history.streaks.items():
        for streak in streaks:
            is_open = streak.ended_at is None and not streak.lasts
            if is_open and seen_until[origin] > given_up_at(streak):
                yield msgspec.structs.replace(streak, ended_at=streak.last_at, end=EndReason.PRESUMED)
            else:
                yield streak


def _of_rollout(creations: PodCreations, key: ObjectKey) -> CreationHistory:
    return creations.histories.get(ObjectRef("Rollout", key.namespace, key.name), _NOTHING)
