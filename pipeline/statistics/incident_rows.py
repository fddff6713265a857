"""Rows that an incident alone gives: how long until its cause could be seen, and how many objects it held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pipeline.engine.incidents import Incident
from pipeline.engine.masks import template_of
from pipeline.statistics.rows import BlastRow, CauseRow


def cause_row(incident: Incident) -> CauseRow:
    """How long it took until the cause of an incident could be seen in the log."""
    first = min(incident.victims, key=lambda victim: victim.stuck_since_at)
    onset_at = first.stuck_since_at
    cause_seen_at = _cause_seen_at(incident)
    return CauseRow(
        incident=incident.id,
        failure_class=incident.cause.failure_class,
        established=incident.cause.established,
        severity=incident.severity,
        victims=len(incident.victims),
        onset_at=onset_at,
        onset_is_estimate=first.stuck_since_is_estimate,
        cause_seen_at=cause_seen_at,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        onset_to_cause_seconds=_seconds(cause_seen_at - onset_at) if cause_seen_at is not None else None,
        onset_to_opened_seconds=_seconds(incident.opened_at - onset_at),
    )


def _seconds(duration: timedelta) -> float:
    return round(duration.total_seconds(), 3)


def _cause_seen_at(incident: Incident) -> datetime | None:
    """The time of the first line of evidence that holds the deepest link of the cause, None where none does."""
    if not incident.cause.established or not incident.cause.chain:
        return None
    deepest = template_of(incident.cause.chain[-1])[:80]
    return min((one.at for one in incident.evidence if deepest in template_of(one.text)), default=None)


def blast_rows(incident: Incident) -> Iterator[BlastRow]:
    """How many objects an incident held, whenever that changed."""
    changes: dict[datetime, list[tuple[int, str, str]]] = {}
    for victim in incident.victims:
        name = f"{victim.kind} {victim.namespace}/{victim.name}"
        changes.setdefault(victim.stuck_since_at, []).append((1, victim.namespace or "", name))
        if victim.recovered_at is not None:
            changes.setdefault(victim.recovered_at, []).append((-1, victim.namespace or "", name))
    stuck: dict[str, str] = {}
    for at in sorted(changes):
        for sign, namespace, name in sorted(changes[at]):
            if sign > 0:
                stuck[name] = namespace
            else:
                stuck.pop(name, None)
        yield BlastRow(incident.id, at, len(stuck), len(set(stuck.values())))
