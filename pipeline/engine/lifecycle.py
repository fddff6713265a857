"""The life of incidents: what is told anew is compared with what was told before.

An incident keeps its id while any of its victims stays with it. When two turn out to have one cause the older stays
and the other ends as merged. What opens is held back for a short group wait, so that new victims are told together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from pipeline.engine.incidents import Incident, Transition


class Lifecycle:
    """The incidents of one cluster, each in its newest revision."""

    def __init__(self, group_wait: timedelta) -> None:
        self._group_wait = group_wait
        self._told: dict[str, Incident] = {}
        self._waiting: dict[str, Incident] = {}  # opened, and not told yet

    def incidents(self) -> list[Incident]:
        """All of them, those that still wait included."""
        return list({**self._told, **self._waiting}.values())

    def update(self, found: Sequence[Incident], now: datetime) -> list[Incident]:
        """Compare the incidents found now with those told before; returns the changes to tell."""
        known = {incident.id: incident for incident in self.incidents() if incident.status != "merged"}
        owners = _owners_of(found, known)
        changes: list[Incident] = []
        for incident in found:
            own_ids = owners[incident.id]
            older = known[own_ids[0]] if own_ids else None
            changes += self._take(incident, older, now)
            changes += [self._merge(known[other], own_ids[0], now) for other in own_ids[1:]]
        return changes + self._release(now)

    def flush(self) -> list[Incident]:
        """Tell what still waits."""
        waiting, self._waiting = self._waiting, {}
        self._told.update(waiting)
        return list(waiting.values())

    def _take(self, incident: Incident, older: Incident | None, now: datetime) -> list[Incident]:
        if older is None:
            first = msgspec.structs.replace(incident, revision=1, transition=Transition("opened", "runaway"))
            self._waiting[incident.id] = _with_end(first, incident)
            return []
        kept = msgspec.structs.replace(incident, id=older.id, opened_at=min(older.opened_at, incident.opened_at))
        if older.id in self._waiting:
            self._waiting[older.id] = _with_end(
                msgspec.structs.replace(kept, revision=1, transition=older.transition), incident
            )
            return []
        transition = _transition(older, kept)
        if transition is None:
            self._told[older.id] = msgspec.structs.replace(kept, revision=older.revision, transition=older.transition)
            return []
        changed = msgspec.structs.replace(kept, revision=older.revision + 1, transition=transition)
        self._told[older.id] = changed
        _ = now
        return [changed]

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


def _owners_of(found: Sequence[Incident], known: dict[str, Incident]) -> dict[str, list[str]]:
    """For each incident found, the ids of the known ones that it goes on from, oldest first; none belongs to two."""
    free = sorted(known.values(), key=lambda incident: (incident.opened_at, incident.id))
    owners: dict[str, list[str]] = {incident.id: [] for incident in found}
    for old in free:
        matches = [incident for incident in found if incident.id == old.id] or [
            incident for incident in found if _goes_on_from(incident, old)
        ]
        if matches:
            owners[matches[0].id].append(old.id)
    return owners


def _goes_on_from(incident: Incident, old: Incident) -> bool:
    """Whether the incident found is about trouble that the old one told of: a victim with the same beginning."""
    beginnings = {(victim.kind, victim.namespace, victim.name, victim.first_seen_at) for victim in old.victims}
    return any(
        (victim.kind, victim.namespace, victim.name, victim.first_seen_at) in beginnings for victim in incident.victims
    )


_SEVERITIES = ("info", "warning", "critical")


def _transition(old: Incident, new: Incident) -> Transition | None:
    """What changed so that it is worth telling, the weightiest first."""
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
