"""The life of incidents: what is told anew is compared with what was told before.

An incident keeps its id while any of its victims stays with it. When two turn out to have one cause the older stays
and the other ends as merged. What opens is held back for a short group wait, so that new victims are told together.
An incident that turns out never to have been one (a late log shows a healthy pass) ends as withdrawn; one that is no
longer found because its keys were forgotten stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from pipeline.engine.grouping import Mark
from pipeline.engine.incidents import Incident, Transition, Victim
from pipeline.engine.memory import IncidentMemory


class Found(msgspec.Struct, frozen=True):
    """An incident as it looks now, and what it can be known again by."""

    incident: Incident
    marks: frozenset[Mark]


class Lifecycle:
    """The incidents of one cluster, each in its newest revision."""

    def __init__(self, group_wait: timedelta) -> None:
        self._group_wait = group_wait
        self._told: dict[str, Incident] = {}
        self._waiting: dict[str, Incident] = {}  # opened, and not told yet
        self._withdrawn: set[str] = set()
        self._settled: set[str] = set()  # over, and perhaps forgotten: they stay as they were
        self._marks: dict[str, frozenset[Mark]] = {}

    def incidents(self) -> list[Incident]:
        """All of them, those that still wait included, without those that were withdrawn."""
        return [incident for incident in self._all() if incident.id not in self._withdrawn]

    def told(self) -> list[Incident]:
        """Those that somebody was told of, in their newest facts: merged and withdrawn ones too."""
        return list(self._told.values())

    def _all(self) -> list[Incident]:
        return list({**self._told, **self._waiting}.values())

    def memories(self) -> Iterator[IncidentMemory]:
        """What has to be known of each incident to go on with it."""
        for incident in self._all():
            yield IncidentMemory(
                incident=incident,
                marks=self._marks.get(incident.id, frozenset()),
                is_waiting=incident.id in self._waiting,
                is_withdrawn=incident.id in self._withdrawn,
                is_settled=incident.id in self._settled,
            )

    def recall(self, memory: IncidentMemory) -> None:
        """Know an incident again."""
        incident = memory.incident
        (self._waiting if memory.is_waiting else self._told)[incident.id] = incident
        self._marks[incident.id] = memory.marks
        if memory.is_withdrawn:
            self._withdrawn.add(incident.id)
        if memory.is_settled:
            self._settled.add(incident.id)

    def forget(self, before: datetime) -> None:
        """Forget incidents that ended before a moment; what they were made of has to be forgotten first."""
        over = [one.id for one in self._told.values() if one.resolved_at is not None and one.resolved_at < before]
        for incident_id in over:
            if self._told[incident_id].status != "open":
                del self._told[incident_id]
                self._marks.pop(incident_id, None)
                self._withdrawn.discard(incident_id)
                self._settled.discard(incident_id)

    def update(self, found: Sequence[Found], now: datetime) -> list[Incident]:
        """Compare the incidents found now with those told before; returns the changes to tell."""
        known = {incident.id: incident for incident in self._all() if incident.status != "merged"}
        owners = self._owners_of(found, known)
        changes: list[Incident] = []
        for one in found:
            own_ids = owners[one.incident.id]
            older = known[own_ids[0]] if own_ids else self._told.get(one.incident.id)
            self._marks[older.id if older is not None else one.incident.id] = one.marks
            changes += self._take(one.incident, older)
            changes += [self._merge(known[other], own_ids[0], now) for other in own_ids[1:]]
        found_ids = {own_id for own_ids in owners.values() for own_id in own_ids}
        lost = [old for old in known.values() if old.id not in found_ids | self._settled | self._withdrawn]
        changes += [change for old in lost for change in self._withdraw(old, now)]
        return changes + self._release(now)

    def _owners_of(self, found: Sequence[Found], known: Mapping[str, Incident]) -> dict[str, list[str]]:
        """For each incident found, the ids of those that it goes on from, oldest first; none belongs to two."""
        owners: dict[str, list[str]] = {one.incident.id: [] for one in found}
        for old in sorted(known.values(), key=lambda incident: (incident.opened_at, incident.id)):
            if old.id in owners:
                owners[old.id].append(old.id)
                continue
            marks = self._marks.get(old.id, frozenset())
            goes_on = next((one for one in found if not marks.isdisjoint(one.marks)), None) or next(
                (one for one in found if _has_same_victim(one.incident, old)), None
            )
            if goes_on is not None:
                owners[goes_on.incident.id].append(old.id)
        return owners

    def flush(self) -> list[Incident]:
        """Tell what still waits."""
        waiting, self._waiting = self._waiting, {}
        self._told.update(waiting)
        return list(waiting.values())

    def settle(self) -> None:
        """Something was forgotten: incidents that are over may not be found again, which proves nothing."""
        self._settled.update(incident.id for incident in self._all() if incident.status == "resolved")

    def _take(self, incident: Incident, older: Incident | None) -> list[Incident]:
        if older is None:
            first = msgspec.structs.replace(incident, revision=1, transition=Transition("opened", "runaway"))
            self._waiting[incident.id] = _with_end(first, incident)
            return []
        kept = msgspec.structs.replace(incident, id=older.id, opened_at=min(older.opened_at, incident.opened_at))
        self._withdrawn.discard(older.id)
        self._settled.discard(older.id)
        if older.id in self._waiting:
            opened = msgspec.structs.replace(kept, revision=1, transition=Transition("opened", "runaway"))
            self._waiting[older.id] = _with_end(opened, incident)
            return []
        transition = _transition(older, kept)
        if transition is None:
            self._told[older.id] = msgspec.structs.replace(kept, revision=older.revision, transition=older.transition)
            return []
        changed = msgspec.structs.replace(kept, revision=older.revision + 1, transition=transition)
        self._told[older.id] = changed
        return [changed]

    def _withdraw(self, old: Incident, now: datetime) -> list[Incident]:
        if self._waiting.pop(old.id, None) is not None:
            return []
        ended = msgspec.structs.replace(
            old,
            status="resolved",
            resolved_at=old.resolved_at or now,
            revision=old.revision + 1,
            transition=Transition("resolved", "withdrawn"),
        )
        self._told[old.id] = ended
        self._withdrawn.add(old.id)
        return [ended]

    def _merge(self, other: Incident, into: str, now: datetime) -> Incident:
        ended = msgspec.structs.replace(
            other,
            status="merged",
            merged_into=into,
            resolved_at=other.resolved_at or now,
            revision=other.revision + 1,
            transition=Transition("merged", "same_cause"),
        )
        self._waiting.pop(other.id, None)
        self._told[other.id] = ended
        return ended

    def _release(self, now: datetime) -> list[Incident]:
        due = [one for one in self._waiting.values() if now - one.opened_at >= self._group_wait]
        for incident in due:
            self._told[incident.id] = self._waiting.pop(incident.id)
        return due


def _with_end(incident: Incident, newest: Incident) -> Incident:
    """An incident that was over before it was told keeps the transition of its end."""
    return msgspec.structs.replace(incident, transition=newest.transition) if newest.status == "resolved" else incident


_Place = tuple[str, str | None, str | None]


def _has_same_victim(incident: Incident, old: Incident) -> bool:
    """Whether a victim was stuck at the same time in both: the beginning may be forgotten, or an earlier one found."""
    told = {_place(victim): victim for victim in old.victims}
    return any(
        (one := told.get(_place(victim))) is not None
        and victim.first_seen_at <= one.last_seen_at
        and one.first_seen_at <= victim.last_seen_at
        for victim in incident.victims
    )


def _place(victim: Victim) -> _Place:
    if victim.kind == "controller":  # its pods come and go
        return victim.kind, None, None
    return victim.kind, victim.namespace, victim.name


_SEVERITIES = ("info", "warning", "critical")


def _transition(old: Incident, new: Incident) -> Transition | None:
    """What changed so that it is worth telling, the weightiest first."""
    if old.status == "merged":
        return Transition("reopened", "cause_differs")
    if old.status == "open" and new.status == "resolved":
        return new.transition
    if old.status == "resolved" and new.status == "open":
        return Transition("reopened", "failed_again")
    if not old.cause.established and new.cause.established:
        return Transition("updated", "cause_established")
    if old.fingerprint != new.fingerprint:
        return Transition("updated", "cause_deepened")
    if len(new.victims) > len(old.victims):
        return Transition("updated", "new_victim")
    if _SEVERITIES.index(new.severity) > _SEVERITIES.index(old.severity):
        return Transition("updated", "severity_raised")
    return None
