"""Which kinds of objects are watched, and where the API has them."""

from __future__ import annotations

import msgspec

from pipeline.cluster.calls import Call


class WatchedKind(msgspec.Struct, frozen=True):
    """One kind; with a field selector, a part of it."""

    kind: str
    group: str  # empty: core
    plural: str
    versions: tuple[str, ...]  # that can be read, the best first
    field_selector: str = ""
    is_namespaced: bool = True
    page_items: int = 500  # asked for at once
    watch_seconds: int = 290  # the server ends a watch after so long: a connection that died silently costs no more

    @property
    def name(self) -> str:
        """As kubectl calls it: plural.group; with what it is narrowed to."""
        resource = self.resource
        return f"{resource}?{self.field_selector}" if self.field_selector else resource

    @property
    def only_names(self) -> tuple[str, ...]:
        """The names that it is narrowed to; none: it is not narrowed to names."""
        name = self.field_selector.removeprefix("metadata.name=")
        return (name,) if name != self.field_selector else ()

    @property
    def resource(self) -> str:
        """Plural and group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def call(self, verb: str, version: str, namespace: str = "") -> Call:
        """How it is asked for; empty namespace: all of them."""
        return Call(verb, self.plural, namespace, group=self.group, version=version)

    def rule(self) -> str:
        """The RBAC rule that lets it be watched, on one line."""
        return f'{{apiGroups: ["{self.group}"], resources: ["{self.plural}"], verbs: ["list", "watch"]}}'


CRDS = WatchedKind(
    "CustomResourceDefinition",
    "apiextensions.k8s.io",
    "customresourcedefinitions",
    ("v1",),
    is_namespaced=False,
    page_items=50,  # with its schemas, one may have a megabyte
)
LOCK = "argo-rollouts-controller-lock"
"""The Lease of the controller, as its log prints it. Source: argo-rollouts v1.7.1, controller/controller.go."""
MANAGER = "kube-controller-manager"
"""That of the controllers of ReplicaSets and HPAs, in kube-system. Source: k8s.io/kubernetes v1.30.14, its own name."""
LEASE_WATCH_SECONDS = 60
"""What is told of a Lease is that nobody renews it: a connection that died silently must not look like that."""


def _events_of(kind: str) -> WatchedKind:
    """Of all Events only those of what can be stuck: those of pods are a hundred times as many."""
    return WatchedKind("Event", "", "events", ("v1",), f"involvedObject.kind={kind}")


def _lease(name: str) -> WatchedKind:
    """One by its name: there is one for each node."""
    selected = f"metadata.name={name}"
    return WatchedKind("Lease", "coordination.k8s.io", "leases", ("v1",), selected, watch_seconds=LEASE_WATCH_SECONDS)


def _admission(kind: str, plural: str, versions: tuple[str, ...] = ("v1",)) -> WatchedKind:
    return WatchedKind(kind, "admissionregistration.k8s.io", plural, versions, is_namespaced=False)


KINDS = (
    CRDS,
    _admission("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    _admission("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    _admission("ValidatingAdmissionPolicy", "validatingadmissionpolicies", ("v1", "v1beta1")),
    _admission("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", ("v1", "v1beta1")),
    WatchedKind("Namespace", "", "namespaces", ("v1",), is_namespaced=False),  # who is told: its annotations
    WatchedKind("Rollout", "argoproj.io", "rollouts", ("v1alpha1",)),
    WatchedKind("AnalysisRun", "argoproj.io", "analysisruns", ("v1alpha1",)),
    WatchedKind("ReplicaSet", "apps", "replicasets", ("v1",)),
    WatchedKind("HorizontalPodAutoscaler", "autoscaling", "horizontalpodautoscalers", ("v2", "v1")),
    _events_of("ReplicaSet"),
    _events_of("Rollout"),
    _events_of("HorizontalPodAutoscaler"),
    WatchedKind("Service", "", "services", ("v1",)),
    WatchedKind("EndpointSlice", "discovery.k8s.io", "endpointslices", ("v1",)),
    _lease(LOCK),
    _lease(MANAGER),
    WatchedKind("Certificate", "cert-manager.io", "certificates", ("v1",)),
)
"""In the order in which they are begun: who is asked about objects first. Secrets are not among them."""
