"""Points sources to what fails: whose certificate is refused, of that the Secret may be another one by now."""

from __future__ import annotations

from collections.abc import Iterable

from parsers.facts.references import ServiceRef
from pipeline.engine.incidents import Incident
from pipeline.sources.live import AttentiveSource, LiveSource


def point_to_failing(incidents: Iterable[Incident], sources: Iterable[LiveSource]) -> None:
    """Tell the sources that can look closer; how often they do is their own decision."""
    attentive = [source for source in sources if isinstance(source, AttentiveSource)]
    if not attentive:
        return
    for incident in incidents:
        service = _refused_service(incident)
        if service is not None:
            for source in attentive:
                source.look_at(incident.cluster or "", service)


def _refused_service(incident: Incident) -> ServiceRef | None:
    culprit = incident.cause.culprit
    if incident.status != "open" or not incident.cause.failure_class.startswith("tls."):
        return None
    if culprit is None or culprit.kind != "Service" or not culprit.name or not culprit.namespace:
        return None
    return ServiceRef(culprit.namespace, culprit.name)
