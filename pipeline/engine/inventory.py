"""The objects of a cluster as far as a snapshot or a watch has shown them, and how they relate.

Relations come from the objects themselves: a CRD names its conversion webhook, a webhook its Service, a ReplicaSet its
Rollout, an HPA its target. Names alone relate nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from parsers.events import ObjectKey
from parsers.facts.admission import CrdFacts, PolicyFacts, WebhookConfigurationFacts, WebhookFactsOfObject
from parsers.facts.analysis_runs import AnalysisRunFacts
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.certificates import CertManagerCertificateFacts, SecretFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts
from parsers.facts.services import EndpointSliceFacts, NamespaceFacts
from parsers.facts.workloads import PodFacts, ReplicaSetFacts
from pipeline.engine.ca_bundles import CaBundle, trusts
from pipeline.engine.object_changes import Change
from pipeline.engine.products import secrets_of_service

Seen = tuple[datetime, AnyFacts]
_Facts = TypeVar("_Facts")
_DAWN = datetime.min.replace(tzinfo=UTC)


class Inventory:
    """The newest facts of every object that was seen."""

    def __init__(
        self,
        objects: Mapping[ObjectRef, Sequence[Seen]],
        watched: Collection[ObjectRef] = (),
        changes: Mapping[ObjectRef, Sequence[Change]] | None = None,
        gone: Mapping[ObjectRef, Seen] | None = None,
    ) -> None:
        """Prepare.

        Args:
            objects: the versions of every object, oldest first.
            watched: those whose newest version was shown by a watch.
            changes: that a watch saw.
            gone: when objects were deleted, and what they were.
        """
        self._versions = objects
        self._watched = watched
        self._changes = changes or {}
        self._gone = gone or {}
        self._seen = {ref: history[-1] for ref, history in objects.items() if history}
        self._by_kind: dict[type, list[Any]] = {}
        for _, facts in self._seen.values():
            self._by_kind.setdefault(type(facts), []).append(facts)
        self._rollouts = {facts.ref: facts for facts in self._of(RolloutFacts)}
        self._hpas_by_target: dict[ObjectRef, HpaFacts] = {}
        for hpa in self._of(HpaFacts):
            self._hpas_by_target.setdefault(hpa.target, hpa)
        self._runs_by_owner: dict[ObjectRef, list[AnalysisRunFacts]] = {}
        for run in self._of(AnalysisRunFacts):
            if run.owner is not None:
                self._runs_by_owner.setdefault(run.owner, []).append(run)
        self._sets_by_owner: dict[ObjectRef, list[ReplicaSetFacts]] = {}
        for replica_set in self._of(ReplicaSetFacts):
            if replica_set.owner is not None:
                self._sets_by_owner.setdefault(replica_set.owner, []).append(replica_set)

    def _of(self, kind: type[_Facts]) -> list[_Facts]:
        return list(self._by_kind.get(kind, ()))

    @property
    def is_empty(self) -> bool:
        """Whether no object was seen at all."""
        return not self._seen

    def seen_at(self, ref: ObjectRef) -> datetime | None:
        """When the object was as it is known, None where it was not seen."""
        seen = self._seen.get(ref)
        return seen[0] if seen is not None else None

    def shown_since(self, ref: ObjectRef, is_same: Callable[[AnyFacts], bool]) -> datetime | None:
        """Since when an object has been as it is now, where a watch saw that; None where nobody saw it become so.

        Args:
            ref: the object.
            is_same: whether an earlier version was the same in what matters.
        """
        if ref not in self._watched:
            return None
        since = None
        for at, facts in reversed(self._versions.get(ref, ())):
            if not is_same(facts):
                break
            since = at
        return since

    def changes_of(self, ref: ObjectRef) -> Sequence[Change]:
        """What a watch saw change of an object, oldest first."""
        return self._changes.get(ref, ())

    def gone(self) -> Iterable[Seen]:
        """What was deleted, and when; as it was then."""
        return self._gone.values()

    def policies(self) -> list[PolicyFacts]:
        """All admission policies and their bindings."""
        return self._of(PolicyFacts)

    def endpoints_of(self, service: ServiceRef) -> list[EndpointSliceFacts]:
        """The EndpointSlices of a service."""
        return [
            part
            for part in self._of(EndpointSliceFacts)
            if part.service == service.name and part.ref.namespace == service.namespace
        ]

    def rollout(self, key: ObjectKey) -> RolloutFacts | None:
        """The Rollout of a key."""
        return self._rollouts.get(ObjectRef("Rollout", key.namespace, key.name)) if key.kind == "rollout" else None

    def rollout_of_analysis(self, key: ObjectKey) -> RolloutFacts | None:
        """The Rollout that owns the AnalysisRun of a key."""
        seen = self._seen.get(ObjectRef("AnalysisRun", key.namespace, key.name))
        facts = seen[1] if seen is not None and key.kind == "analysisrun" else None
        owner = facts.owner if isinstance(facts, AnalysisRunFacts) else None
        return self._rollouts.get(owner) if owner is not None else None

    def namespace(self, name: str) -> NamespaceFacts | None:
        """A Namespace by its name."""
        seen = self._seen.get(ObjectRef("Namespace", "", name))
        facts = seen[1] if seen is not None else None
        return facts if isinstance(facts, NamespaceFacts) else None

    def replica_sets(self, owner: ObjectRef) -> list[ReplicaSetFacts]:
        """The ReplicaSets that an object owns, newest revision first."""
        return sorted(
            self._sets_by_owner.get(owner, []), key=lambda one: (_number(one.revision), one.ref), reverse=True
        )

    def analysis_runs(self, owner: ObjectRef) -> list[AnalysisRunFacts]:
        """The AnalysisRuns that an object owns, oldest first."""
        return sorted(self._runs_by_owner.get(owner, []), key=lambda run: (run.created_at or _DAWN, run.ref))

    def autoscaler(self, target: ObjectRef) -> HpaFacts | None:
        """The HPA that scales an object."""
        return self._hpas_by_target.get(target)

    def crd(self, *, group: str, plural: str = "", kind: str = "") -> CrdFacts | None:
        """The CRD of a resource or kind."""
        for crd in self._of(CrdFacts):
            if crd.group == group and (crd.plural == plural or (kind and crd.kind == kind)):
                return crd
        return None

    def crds(self) -> list[CrdFacts]:
        """All CRDs."""
        return self._of(CrdFacts)

    def webhook_configurations(self) -> list[WebhookConfigurationFacts]:
        """All configurations of admission webhooks."""
        return self._of(WebhookConfigurationFacts)

    def leases(self) -> list[LeaseFacts]:
        """All Leases."""
        return self._of(LeaseFacts)

    def managed_certificates(self) -> list[CertManagerCertificateFacts]:
        """All Certificates of cert-manager."""
        return self._of(CertManagerCertificateFacts)

    def webhooks(self) -> Iterable[tuple[WebhookConfigurationFacts, WebhookFactsOfObject]]:
        """Every admission webhook and the configuration it stands in."""
        for configuration in self._of(WebhookConfigurationFacts):
            for webhook in configuration.webhooks:
                yield configuration, webhook

    def webhook(self, name: str) -> tuple[WebhookConfigurationFacts, WebhookFactsOfObject] | None:
        """An admission webhook by its name."""
        return next((found for found in self.webhooks() if found[1].name == name), None)

    def services_by_name(self) -> dict[str, tuple[str, bool]]:
        """Which service stands behind a webhook's name or a kind (`Kind.group`), and whether it converts.

        A webhook name that two configurations give to different services, or to a URL, has an empty one: no message
        that names one of them makes it known which it is.
        """
        related: dict[str, tuple[str, bool]] = {}
        for _, webhook in self.webhooks():
            address = f"{webhook.service.host}:{webhook.service.port}" if webhook.service is not None else ""
            if related.setdefault(webhook.name, (address, False)) != (address, False):
                related[webhook.name] = ("", False)
        for crd in self.crds():
            if crd.conversion is not None:
                related[f"{crd.kind}.{crd.group}"] = (f"{crd.conversion.host}:{crd.conversion.port}", True)
        return related

    def resources_of_kinds(self) -> dict[str, str]:
        """The names of CRDs, by `Kind.group`."""
        return {f"{crd.kind}.{crd.group}": f"{crd.plural}.{crd.group}" for crd in self.crds()}

    def ca_bundles_of(self, service: ServiceRef) -> list[CaBundle]:
        """Which authorities the callers of a service trust, and where that is written."""
        found = [
            CaBundle(
                crd.ref,
                crd.ca_bundle,
                crd.changed_at,
                kind=f"{crd.kind}.{crd.group}",
                shown_since=self.shown_since(crd.ref, partial(trusts, "", crd.ca_bundle)),
            )
            for crd in self.crds()
            if _is_same(crd.conversion, service) and crd.ca_bundle
        ]
        for configuration, webhook in self.webhooks():
            if _is_same(webhook.service, service) and webhook.ca_bundle:
                since = self.shown_since(configuration.ref, partial(trusts, webhook.name, webhook.ca_bundle))
                bundle = CaBundle(configuration.ref, webhook.ca_bundle, configuration.changed_at, webhook=webhook.name)
                found.append(msgspec.structs.replace(bundle, shown_since=since))
        return found

    def secrets_of(self, service: ServiceRef) -> list[SecretFacts]:
        """Secrets whose certificate is for a service: by the names in it, or by the authority that callers trust.

        An authority of the same name in the service's namespace is one, too: it may have been made anew. Where there is
        none of these, that in which the service's product keeps it: the new authority may have another name.
        """
        names, usual = set(service.hosts), secrets_of_service(service)
        trusted = {one.subject for bundle in self.ca_bundles_of(service) for one in bundle.certificates}
        found, kept = [], []
        for secret in self._of(SecretFacts):
            if secret.ref.namespace != service.namespace:
                continue
            kept += [secret] if secret.ref.name in usual else []
            is_named = any(not names.isdisjoint(leaf.dns_names) for leaf in secret.certificates[:1])
            every = (*secret.certificates, *secret.authorities)
            if is_named or any(certificate.subject in trusted for certificate in every):
                found.append(secret)
        return sorted(found or kept, key=lambda secret: secret.ref)

    def pods_of(self, service: ServiceRef) -> list[PodFacts]:
        """The pods behind a service, by its EndpointSlices."""
        names = {pod for part in self.endpoints_of(service) for pod in part.pods}
        pods = [pod for pod in self._of(PodFacts) if pod.ref.namespace == service.namespace and pod.ref.name in names]
        return sorted(pods, key=lambda pod: pod.ref)

    def ready_endpoints(self, service: ServiceRef) -> int | None:
        """How many endpoints of a service are ready, None where its EndpointSlices were not seen."""
        parts = self.endpoints_of(service)
        return sum(part.ready_count for part in parts) if parts else None

    def kubernetes_events(self) -> list[KubernetesEventFacts]:
        """All Kubernetes Events."""
        return self._of(KubernetesEventFacts)

    def leases_renewed_at(self) -> datetime | None:
        """The newest renewal of any Lease: a snapshot with Leases was taken within seconds of it."""
        renewals = (lease.renewed_at for lease in self._of(LeaseFacts))
        return max((at for at in renewals if at is not None), default=None)

    def rollouts(self) -> list[RolloutFacts]:
        """All Rollouts."""
        return list(self._rollouts.values())

    def replica_set(self, namespace: str, name: str) -> ReplicaSetFacts | None:
        """A ReplicaSet by its name."""
        seen = self._seen.get(ObjectRef("ReplicaSet", namespace, name))
        facts = seen[1] if seen is not None else None
        return facts if isinstance(facts, ReplicaSetFacts) else None


def _is_same(one: ServiceRef | None, other: ServiceRef) -> bool:
    return one is not None and (one.namespace, one.name) == (other.namespace, other.name)


def _number(revision: str) -> int:
    return int(revision) if revision.isdigit() and len(revision) < 10 else 0


def service_ref_of(address: str) -> ServiceRef | None:
    """The service of an address as messages print it, `name.namespace.svc:port`; None for any other host."""
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        host, port = address, ""
    labels = host.split(".")
    if len(labels) < 3 or labels[2] != "svc":
        return None
    return ServiceRef(namespace=labels[1], name=labels[0], port=int(port) if port else 443)
