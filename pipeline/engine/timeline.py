"""What happened around an incident, in the order of time: changes before it, onsets, recoveries, starts and leaders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from parsers.events import ObjectKey
from parsers.facts.references import ServiceRef
from pipeline.engine.analysis_runs import verdicts_on
from pipeline.engine.generations import rises
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import TimelineEntry
from pipeline.engine.joins import services_behind
from pipeline.engine.object_changes import Change
from pipeline.engine.origins import OriginState
from pipeline.engine.prior_changes import LOOK_BACK, changes_in_objects, nearest_before
from pipeline.engine.spells import onset_of
from pipeline.engine.surroundings import Surroundings

MAX_TIMELINE = 40
"""Entries kept: the first and the last ones."""
MAX_KEYS = 50
"""Victims whose changes are looked for."""
AROUND = timedelta(minutes=10)
"""What happened to the controller so long before or after the trouble belongs to its story."""


def timeline_of(trouble: Trouble, around: Surroundings) -> tuple[TimelineEntry, ...]:
    """The timeline of a trouble."""
    told: set[Change] = set()
    onsets: list[datetime] = []
    for member in trouble.members:
        onset = onset_of(member.spell)
        onsets.append(onset.at)
        about = " (estimated from the first count)" if onset.is_estimate else ""
        told.add(Change(onset.at, f"{member.key} begins to fail{about}", "trouble"))
        told.add(Change(member.opened_at, f"{member.key} is running away", "trouble"))
        if member.ended_at is not None and member.end is not None:
            told.add(Change(member.ended_at, f"{member.key} recovers ({member.end.value})", "trouble"))
    first_at = min((one.at for one in told), default=trouble.opened_at) - AROUND
    last_at = trouble.ended_at + AROUND if trouble.ended_at is not None else None
    for origin in around.state.origins.values():
        if origin.is_controller:
            milestones = _milestones_of(origin)
            told |= {one for one in milestones if first_at <= one.at and (last_at is None or one.at <= last_at)}
    told |= set(_verdicts_on(trouble, around, first_at + AROUND - LOOK_BACK, last_at))
    ordered = sorted(told)
    if len(ordered) > MAX_TIMELINE:
        ordered = [*ordered[: MAX_TIMELINE // 2], *ordered[-MAX_TIMELINE // 2 :]]
    onset_at = min(onsets, default=trouble.opened_at)
    changes = _changes_of(trouble, around, onset_at)
    return tuple(TimelineEntry(one.at, one.what, one.category) for one in sorted({*ordered, *changes}))


def _changes_of(trouble: Trouble, around: Surroundings, onset_at: datetime) -> list[Change]:
    keys = sorted({member.key for member in trouble.members})[:MAX_KEYS]
    changes = [
        *changes_in_objects(keys, _services_of(trouble, around), around.inventory),
        *_edits_of(keys, around),
    ]
    return nearest_before(onset_at, changes)


def _verdicts_on(trouble: Trouble, around: Surroundings, since: datetime, until: datetime | None) -> Iterator[Change]:
    """How AnalysisRuns of the victims ended: what a Rollout waits for may be none of the trouble, and needs telling."""
    keys = sorted({member.key for member in trouble.members})[:MAX_KEYS]
    for verdict in verdicts_on(keys, around.inventory):
        if since <= verdict.at and (until is None or verdict.at <= until):
            yield verdict


def _edits_of(keys: Iterable[ObjectKey], around: Surroundings) -> Iterator[Change]:
    """Edits that the controller's own lines show."""
    for key in keys:
        tracks = around.state.keys.get(key, {})
        for before, now in rises(track.generations for track in tracks.values()):
            text = f"{key} is synced with generation {now.generation} (before: {before.generation})"
            yield Change(now.at, text, "rollout")


def _services_of(trouble: Trouble, around: Surroundings) -> list[ServiceRef]:
    """The Services that the failing calls pass through, as far as their namespace is known."""
    failure, culprit = trouble.cause.failure, trouble.cause.culprit
    names = services_behind(failure, around.aliases, around.inventory) if failure is not None else frozenset()
    found = {ServiceRef(namespace, name) for name, _, namespace in (one.partition(".") for one in names) if namespace}
    if culprit is not None and culprit.kind == "Service" and culprit.namespace:
        found.add(ServiceRef(culprit.namespace, culprit.name))
    return sorted(found)


def _milestones_of(origin: OriginState) -> Iterable[Change]:
    version = origin.version or "not known"
    yield from (Change(at, f"controller started, version {version}", "controller") for at in origin.starts)
    yield from (Change(at, "controller became the leader", "controller") for at in origin.leads)
    yield from (Change(at, "controller lost its lease or gave it up", "controller") for at in origin.losses)
