"""What happened around an incident, in the order of time: onsets, recoveries, starts and leaders of the controller."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pipeline.engine.clusters import ClusterState
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import TimelineEntry
from pipeline.engine.origins import OriginState
from pipeline.engine.spells import onset_of

MAX_TIMELINE = 40
"""Entries kept: the first and the last ones."""
AROUND = timedelta(minutes=10)
"""What happened to the controller so long before or after the trouble belongs to its story."""


def timeline_of(trouble: Trouble, state: ClusterState) -> tuple[TimelineEntry, ...]:
    """The timeline of a trouble."""
    entries: set[tuple[datetime, str]] = set()
    for member in trouble.members:
        onset = onset_of(member.spell)
        about = " (estimated from the first count)" if onset.is_estimate else ""
        entries.add((onset.at, f"{member.key} begins to fail{about}"))
        entries.add((member.opened_at, f"{member.key} is running away"))
        if member.ended_at is not None and member.end is not None:
            entries.add((member.ended_at, f"{member.key} recovers ({member.end.value})"))
    first_at = min((at for at, _ in entries), default=trouble.opened_at) - AROUND
    last_at = trouble.ended_at + AROUND if trouble.ended_at is not None else None
    for origin in state.origins.values():
        if origin.is_controller:
            milestones = _milestones_of(origin)
            entries |= {(at, what) for at, what in milestones if first_at <= at and (last_at is None or at <= last_at)}
    ordered = sorted(entries)
    if len(ordered) > MAX_TIMELINE:
        ordered = [*ordered[: MAX_TIMELINE // 2], *ordered[-MAX_TIMELINE // 2 :]]
    return tuple(TimelineEntry(at=at, what=what) for at, what in ordered)


def _milestones_of(origin: OriginState) -> Iterable[tuple[datetime, str]]:
    yield from ((at, f"controller started, version {origin.version or 'not known'}") for at in origin.starts)
    yield from ((at, "controller became the leader") for at in origin.leads)
    yield from ((at, "controller lost its lease or gave it up") for at in origin.losses)
