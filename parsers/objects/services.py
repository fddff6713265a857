"""Services, and which pods stand behind them.

Source: k8s.io/api v0.30 core/v1 (Service, Endpoints) and discovery/v1. Endpoints are read as one slice.
"""

from __future__ import annotations

from parsers.facts.services import EndpointSliceFacts, NamespaceFacts, ServiceFacts
from parsers.objects.members import (
    Object,
    labels_at,
    number_at,
    object_at,
    objects_at,
    own_annotations_of,
    ref_of,
    text_at,
)

_SERVICE_LABEL = "kubernetes.io/service-name"


def read_service(document: Object) -> ServiceFacts:
    """Read a Service."""
    spec = object_at(document, "spec")
    ports = (number_at(port, "port") for port in objects_at(spec, "ports"))
    return ServiceFacts(
        ref=ref_of(document),
        selector=labels_at(spec, "selector"),
        ports=tuple(port for port in ports if port is not None),
        cluster_ip=text_at(spec, "clusterIP"),
    )


def read_endpoint_slice(document: Object) -> EndpointSliceFacts:
    """Read an EndpointSlice. An endpoint that does not say is ready, as the API demands."""
    endpoints = objects_at(document, "endpoints")
    ready_count = sum(object_at(one, "conditions").get("ready") is not False for one in endpoints)
    return EndpointSliceFacts(
        ref=ref_of(document),
        service=text_at(document, "metadata", "labels", _SERVICE_LABEL),
        ready_count=ready_count,
        not_ready_count=len(endpoints) - ready_count,
        pods=_pods_of(endpoints),
    )


def read_endpoints(document: Object) -> EndpointSliceFacts:
    """Read Endpoints: named like their Service."""
    subsets = objects_at(document, "subsets")
    ready = [address for subset in subsets for address in objects_at(subset, "addresses")]
    not_ready = [address for subset in subsets for address in objects_at(subset, "notReadyAddresses")]
    ref = ref_of(document)
    return EndpointSliceFacts(
        ref=ref,
        service=ref.name,
        ready_count=len(ready),
        not_ready_count=len(not_ready),
        pods=_pods_of((*ready, *not_ready)),
    )


def read_namespace(document: Object) -> NamespaceFacts:
    """Read a Namespace."""
    return NamespaceFacts(
        ref=ref_of(document),
        labels=labels_at(document, "metadata", "labels"),
        annotations=own_annotations_of(document),
        phase=text_at(document, "status", "phase"),
    )


def _pods_of(endpoints: tuple[Object, ...]) -> tuple[str, ...]:
    targets = (object_at(one, "targetRef") for one in endpoints)
    return tuple(name for target in targets if text_at(target, "kind") == "Pod" and (name := text_at(target, "name")))
