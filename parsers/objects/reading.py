"""One decoded document -> facts of every object in it: a single object, a list, lists in lists, a watch event.

Sources: k8s.io/apimachinery v0.30 meta/v1 (List, WatchEvent); heptiolabs/eventrouter (`{"verb":…,"event":…}`);
opsgenie/kubernetes-event-exporter (an Event without kind).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from parsers.facts.references import ObjectRef
from parsers.facts.seen import AnyFacts
from parsers.facts.traffic_objects import OtherFacts
from parsers.objects.admission import read_crd, read_policy, read_webhook_configuration
from parsers.objects.analysis_runs import read_analysis_run
from parsers.objects.autoscalers import read_autoscaler
from parsers.objects.certificates import read_cert_manager_certificate, read_secret
from parsers.objects.found import UnknownObject
from parsers.objects.kube_events import read_kube_event
from parsers.objects.leases import read_lease
from parsers.objects.members import (
    Object,
    changed_at_of,
    created_at_of,
    generation_of,
    object_at,
    ref_of,
    text_at,
)
from parsers.objects.rollouts import read_rollout
from parsers.objects.services import read_endpoint_slice, read_endpoints, read_namespace, read_service
from parsers.objects.workloads import read_pod, read_replica_set

_MAX_DEPTH: Final = 8

_READERS: Final[dict[tuple[str, str], Callable[[Object], AnyFacts]]] = {
    ("argoproj.io", "Rollout"): read_rollout,
    ("argoproj.io", "AnalysisRun"): read_analysis_run,
    ("apps", "ReplicaSet"): read_replica_set,
    ("", "Pod"): read_pod,
    ("autoscaling", "HorizontalPodAutoscaler"): read_autoscaler,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): read_webhook_configuration,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): read_webhook_configuration,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): read_policy,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): read_policy,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): read_policy,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): read_policy,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): read_crd,
    ("", "Service"): read_service,
    ("", "Endpoints"): read_endpoints,
    ("discovery.k8s.io", "EndpointSlice"): read_endpoint_slice,
    ("", "Namespace"): read_namespace,
    ("", "Secret"): read_secret,
    ("cert-manager.io", "Certificate"): read_cert_manager_certificate,
    ("coordination.k8s.io", "Lease"): read_lease,
    ("", "Event"): read_kube_event,
    ("events.k8s.io", "Event"): read_kube_event,
}
_TRAFFIC_GROUPS: Final = frozenset(
    (
        "getambassador.io",
        "networking.istio.io",
        "gateway.networking.k8s.io",
        "split.smi-spec.io",
        "traefik.containo.us",
        "traefik.io",
        "apisix.apache.org",
        "appmesh.k8s.aws",
        "projectcontour.io",
        "route.openshift.io",
    )
)
_INGRESS_GROUPS: Final = ("networking.k8s.io", "extensions")


ReadObject = AnyFacts | UnknownObject


def read_objects(document: Object) -> Iterator[AnyFacts]:
    """Facts of all objects in a document that are of a known kind."""
    for found in read_all(document):
        if not isinstance(found, UnknownObject):
            yield found


def read_all(document: Object, depth: int = 0) -> Iterator[ReadObject]:
    """The same, with what is of no known kind."""
    document = _unwrap(document)
    kind, version = text_at(document, "kind"), text_at(document, "apiVersion")
    items = document.get("items")
    if isinstance(items, list) and (not kind or kind.endswith("List")):
        for item in items if depth < _MAX_DEPTH else ():
            if isinstance(item, Mapping):
                yield from read_all(with_kind(item, version, kind), depth + 1)
        return
    yield _read_one(document, version, kind)


def with_kind(item: Object, version: str, list_kind: str) -> Object:
    """An item of a list as the API server answers it: only the list says of what kind its items are."""
    kind = list_kind.removesuffix("List")
    return item if "kind" in item or not kind else {**item, "apiVersion": version, "kind": kind}


def _unwrap(document: Object) -> Object:
    """The object of a watch event or of eventrouter."""
    if "kind" in document or "items" in document:
        return document
    for member in ("object", "event"):
        inner = object_at(document, member)
        if "kind" in inner or "metadata" in inner:
            return inner
    return document


def _read_one(document: Object, version: str, kind: str) -> ReadObject:
    if not kind and ("involvedObject" in document or "regarding" in document) and "reason" in document:
        return read_kube_event(document)
    group, _, short = version.rpartition("/")
    reader = _READERS.get((group, kind))
    if reader is not None and text_at(document, "metadata", "name"):
        return reader(document)
    if text_at(document, "metadata", "name") and (
        group in _TRAFFIC_GROUPS or (kind == "Ingress" and group in _INGRESS_GROUPS)
    ):
        return _read_other(document, group, short)
    return UnknownObject(version, kind)


def _read_other(document: Object, group: str, version: str) -> OtherFacts:
    ref: ObjectRef = ref_of(document)
    return OtherFacts(
        ref=ref,
        group=group,
        version=version,
        generation=generation_of(document),
        created_at=created_at_of(document),
        changed_at=changed_at_of(document),
    )
