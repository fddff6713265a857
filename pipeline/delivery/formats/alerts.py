"""Incidents as Prometheus alerts. The labels are what Alertmanager knows an alert by."""

from __future__ import annotations

import hashlib
import re

import msgspec

from pipeline.delivery.formats.wording import cause_line, cut
from pipeline.engine.incidents import Incident

MAX_TEXT_CHARS = 2000
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def alert_labels(incident: Incident) -> dict[str, str]:
    """The same for the whole life of the incident, except that a severity may rise. None is empty.

    The cause's class is none of them: a cause that is deepened would be a second alert.
    """
    own = {name: value for name, value in incident.labels.items() if _LABEL_NAME.fullmatch(name) and value}
    named = {
        "alertname": "RolloutStuck" if incident.kind == "stuck" else f"Whystuck_{incident.kind}",
        "incident_id": incident.id,
        "kind": incident.kind,
        "severity": incident.severity,
        "cluster": incident.cluster or "",
    }
    return own | {name: value for name, value in named.items() if value}


def alert_annotations(incident: Incident) -> dict[str, str]:
    """What people read, and what may change from one time to the next."""
    victims = ", ".join(f"{each.kind} {each.namespace}/{each.name}" for each in incident.victims)
    texts = {
        "summary": incident.title,
        "description": incident.summary,
        "cause": cause_line(incident.cause),
        "cause_class": incident.cause.failure_class,
        "victims": victims,
        "runbook_url": incident.runbook_url or "",
    }
    return {name: cut(text, MAX_TEXT_CHARS) for name, text in texts.items() if text}


def alert_fingerprint(labels: dict[str, str]) -> str:
    """16 hexadecimal digits that are the same for the same labels."""
    return hashlib.sha256(msgspec.json.encode(sorted(labels.items()))).hexdigest()[:16]
