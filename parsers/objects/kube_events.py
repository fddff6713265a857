"""Kubernetes Events as objects, of both API groups.

Source: k8s.io/api v0.30 core/v1 (Event, EventSeries) and events/v1, which calls the same things by other names.
"""

from __future__ import annotations

from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.objects.members import Object, created_at_of, message_at, number_at, object_at, ref_of, text_at, time_at


def read_kube_event(document: Object) -> KubernetesEventFacts:
    """Read an Event."""
    involved = object_at(document, "involvedObject") or object_at(document, "regarding")
    ref = ref_of(document, "Event")
    first_at = time_at(document, "firstTimestamp") or time_at(document, "deprecatedFirstTimestamp")
    last_at = (
        time_at(document, "series", "lastObservedTime")
        or time_at(document, "lastTimestamp")
        or time_at(document, "deprecatedLastTimestamp")
    )
    event_at = time_at(document, "eventTime") or created_at_of(document)
    return KubernetesEventFacts(
        ref=ref,
        involved=ObjectRef(
            text_at(involved, "kind"), text_at(involved, "namespace") or ref.namespace, text_at(involved, "name")
        ),
        reason=text_at(document, "reason"),
        type=text_at(document, "type"),
        message=message_at(document, "message") or message_at(document, "note"),
        component=_component_of(document),
        count=_count_of(document),
        first_at=first_at or event_at,
        last_at=last_at or event_at,
    )


def _component_of(document: Object) -> str:
    return (
        text_at(document, "source", "component")
        or text_at(document, "reportingComponent")
        or text_at(document, "reportingController")
        or text_at(document, "deprecatedSource", "component")
    )


def _count_of(document: Object) -> int:
    counts = (number_at(document, *path) for path in (("series", "count"), ("count",), ("deprecatedCount",)))
    return max((count for count in counts if count is not None), default=1)
