"""What a watch saw change or go, of all that can have to do with some Rollouts: facts, which blame nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from parsers.events import ObjectKey
from parsers.facts.admission import CrdFacts, PolicyFacts, WebhookConfigurationFacts
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.certificates import CertManagerCertificateFacts, SecretFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts
from parsers.facts.services import EndpointSliceFacts, ServiceFacts
from parsers.facts.workloads import ReplicaSetFacts
from parsers.pod_creation import CREATED, FAILED
from pipeline.engine.inventory import Inventory
from pipeline.engine.object_changes import Change, category_of

LEASES: Final = ("argo-rollouts", "kube-controller-manager")
"""Whose leases tell of a new leader, as part of their name."""
MAX_MESSAGE_CHARS: Final = 160


def watched_changes(
    keys: Collection[ObjectKey], services: Collection[ServiceRef], inventory: Inventory
) -> Iterator[Change]:
    """Changes, deletions and Kubernetes Events of what belongs to some Rollouts or stands on the way of their calls."""
    rollouts = {ObjectRef("Rollout", key.namespace, key.name) for key in keys if key.kind == "rollout"}
    for ref in _related(rollouts, services, inventory):
        yield from inventory.changes_of(ref)
    for at, facts in inventory.gone():
        category = category_of(facts)
        if category is not None and _is_related(facts, rollouts, services):
            yield Change(at, f"{facts.ref} is deleted", category)
    yield from _events(rollouts, inventory)


def _related(
    rollouts: Collection[ObjectRef], services: Collection[ServiceRef], inventory: Inventory
) -> Iterator[ObjectRef]:
    for rollout in rollouts:
        yield from _parts_of(rollout, inventory)
    yield from {ObjectRef("Namespace", "", rollout.namespace) for rollout in rollouts}
    yield from (one.ref for one in inventory.webhook_configurations())
    yield from (one.ref for one in inventory.crds())
    yield from (one.ref for one in inventory.policies())
    for service in services:
        yield ObjectRef("Service", service.namespace, service.name)
        yield from (part.ref for part in inventory.endpoints_of(service))
        yield from (secret.ref for secret in inventory.secrets_of(service))
    namespaces = {service.namespace for service in services}
    yield from (one.ref for one in inventory.managed_certificates() if one.ref.namespace in namespaces)
    yield from (lease.ref for lease in inventory.leases() if is_of_leader(lease))


def _parts_of(rollout: ObjectRef, inventory: Inventory) -> Iterator[ObjectRef]:
    """A Rollout, its ReplicaSets and its HPA."""
    yield rollout
    yield from (one.ref for one in inventory.replica_sets(rollout))
    hpa = inventory.autoscaler(rollout)
    if hpa is not None:
        yield hpa.ref


def is_of_leader(lease: LeaseFacts) -> bool:
    """Whether a Lease tells who leads of those that look after rollouts."""
    return any(name in lease.ref.name for name in LEASES)


def _is_related(facts: AnyFacts, rollouts: Collection[ObjectRef], services: Collection[ServiceRef]) -> bool:
    """The same of what is gone: by what it was then."""
    places = {(service.namespace, service.name) for service in services}
    match facts:
        case RolloutFacts():
            return facts.ref in rollouts
        case ReplicaSetFacts():
            return facts.owner in rollouts
        case HpaFacts():
            return facts.target in rollouts
        case WebhookConfigurationFacts() | CrdFacts() | PolicyFacts():
            return True
        case ServiceFacts():
            return (facts.ref.namespace, facts.ref.name) in places
        case EndpointSliceFacts():
            return (facts.ref.namespace, facts.service) in places
        case SecretFacts() | CertManagerCertificateFacts():
            return facts.ref.namespace in {namespace for namespace, _ in places}
        case LeaseFacts():
            return is_of_leader(facts)
    return False


def _events(rollouts: Collection[ObjectRef], inventory: Inventory) -> Iterator[Change]:
    """What others said of the Rollouts and what belongs to them; how their pods are created is the trouble itself."""
    parts = {ref for rollout in rollouts for ref in _parts_of(rollout, inventory)}
    for event in inventory.kubernetes_events():
        at = event.last_at or event.first_at
        if event.involved in parts and at is not None and event.reason not in (CREATED, FAILED):
            yield Change(at, f"Event {event.reason} of {event.involved}: {_short(event)}", "event")


def _short(event: KubernetesEventFacts) -> str:
    message = event.message or event.type
    return message if len(message) <= MAX_MESSAGE_CHARS else f"{message[:MAX_MESSAGE_CHARS]}…"
