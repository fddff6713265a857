"""What stands around an incident, for a person: replica numbers, the way to the culprit, what changed before it."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.engine.drift import explain
from pipeline.engine.incidents import Incident
from pipeline.engine.phrases import moment_text
from pipeline.engine.relations import path_of
from pipeline.engine.wording import findings_to_tell

MAX_REPLICAS = 3
"""Victims whose numbers are shown; JSON has all."""
MAX_CHANGES = 5
"""Changes that are shown: the nearest to the onset."""
_NO_CHANGES = ("trouble", "controller")
"""Entries of a timeline that are the trouble itself, or starts and leaders of the controller."""


def replica_rows(incident: Incident) -> Iterator[tuple[str, str]]:
    """The numbers of each victim whose objects are known."""
    known = [victim for victim in incident.victims if victim.drift]
    for victim in known[:MAX_REPLICAS]:
        name = f"{victim.namespace}/{victim.name}: " if len(incident.victims) > 1 else ""
        yield "Replicas", f"{name}{explain(victim.drift or {})}"
    if len(known) > MAX_REPLICAS:
        yield "", f"and those of {len(known) - MAX_REPLICAS} more"


def way_rows(incident: Incident) -> Iterator[tuple[str, str]]:
    """What is wrong with the certificate, and how the objects lead from a victim to the culprit."""
    for finding in findings_to_tell(incident.cause):
        yield "Found", f"the certificate: {finding.what}"
    if incident.cause.relations:
        yield "Way", path_of(incident.cause.relations)


def change_rows(incident: Incident) -> Iterator[tuple[str, str]]:
    """What changed before the onset. Facts: that it came before proves nothing."""
    onset_at = min(victim.stuck_since_at for victim in incident.victims)
    changes = [one for one in incident.timeline if one.category not in _NO_CHANGES and one.at <= onset_at]
    for number, one in enumerate(changes[-MAX_CHANGES:]):
        yield "Before" if number == 0 else "", f"{moment_text(one.at)} {one.what}"


def unread_rows(incident: Incident) -> Iterator[tuple[str, str]]:
    """What could not be read, so that nobody takes it for what is not there."""
    for number, what in enumerate(incident.coverage.not_read):
        yield "Not read" if number == 0 else "", what
