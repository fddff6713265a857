"""What an incident can be routed, silenced and grouped by."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.delivery.matching import Labels
from pipeline.engine.incidents import Incident

OWNER_LABEL = "owner"
NOTIFY_LABEL = "notify"
"""`false` where everybody whom the incident concerns has opted out."""


def labels_of(incident: Incident) -> Labels:
    """Each label's values: several where the incident has several victims. Labels of its own stand behind."""
    culprit = incident.cause.culprit
    own = {name: tuple(part.strip() for part in value.split(",")) for name, value in incident.labels.items()}
    return own | {
        "severity": (incident.severity,),
        "kind": (incident.kind,),
        "class": (incident.cause.failure_class,),
        "established": (str(incident.cause.established).lower(),),
        "cluster": _known([incident.cluster]),
        "namespace": _known(victim.namespace for victim in incident.victims),
        "key": _known(f"{each.namespace}/{each.name}" for each in incident.victims if each.namespace and each.name),
        "victim_kind": _known(victim.kind for victim in incident.victims),
        "culprit": _known([culprit.name or culprit.host if culprit else None]),
        "culprit_namespace": _known([culprit.namespace if culprit else None]),
    }


def is_opted_out(incident: Incident) -> bool:
    """Whether nobody wants to be told."""
    return incident.labels.get(NOTIFY_LABEL) == "false"


def _known(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
