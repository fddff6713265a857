"""What is kept of Kubernetes objects: the fields that explain why a rollout is stuck, and nothing else.

Objects come from `kubectl get … -o json|yaml`, `kubectl get events` tables, event exporters, and later from watches.
Secrets leave their public certificates only. Every record says which object it is of (`ref`); what the source does not
say is None or empty, never invented.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.events import Event, Failure


class ObjectRef(msgspec.Struct, frozen=True, order=True):
    """Which object: kind as in the manifest (Rollout, ReplicaSet, …); namespace empty for cluster-scoped ones."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


class ServiceRef(msgspec.Struct, frozen=True, order=True):
    """A Service that a webhook is served by."""

    namespace: str
    name: str
    port: int = 443
    path: str = ""

    @property
    def host(self) -> str:
        """As it stands in the API server's messages: name.namespace.svc."""
        return f"{self.name}.{self.namespace}.svc"


class CertificateInfo(msgspec.Struct, frozen=True):
    """A public certificate: names, validity, and the DER itself for the verification of chains."""

    subject: str  # RFC 4514
    issuer: str
    common_name: str
    serial_number: str  # decimal
    not_before: datetime
    not_after: datetime
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    is_ca: bool
    sha256: str  # hexadecimal, of the DER
    der: bytes


class ConditionFacts(msgspec.Struct, frozen=True):
    """A status condition."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    changed_at: datetime | None = None


class TrafficReference(msgspec.Struct, frozen=True, order=True):
    """An object of a traffic router that a Rollout names."""

    provider: str  # istio, ambassador, smi, alb, nginx, traefik, apisix, appMesh, or the plugin's name
    group: str  # API group, empty for core
    kind: str  # VirtualService, Mapping, Ingress, …
    name: str


class RolloutFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Rollout: what it wants, what it has, where it stands."""

    ref: ObjectRef
    generation: int | None = None
    observed_generation: int | None = None
    created_at: datetime | None = None
    desired: int | None = None  # spec.replicas; None where it is left to an HPA or the default
    current: int | None = None  # status.replicas
    available: int | None = None
    ready: int | None = None
    updated: int | None = None
    hpa_replicas: int | None = None
    phase: str = ""
    message: str = ""
    is_paused: bool = False  # by the user or a step
    is_controller_pause: bool = False  # the controller paused it by itself
    is_aborted: bool = False
    strategy: str = ""  # canary or blueGreen
    step_index: int | None = None
    step_count: int = 0
    step_weight: int | None = None  # percent of the newest setWeight at or before the current step
    max_surge: str | None = None  # as written: "25%" or "1"; None: the default 25%
    max_unavailable: str | None = None
    scale_down_delay_seconds: int | None = None
    has_traffic_routing: bool = False
    dynamic_stable_scale: bool = False
    workload_ref: ObjectRef | None = None
    canary_scale_replicas: int | None = None  # of the newest setCanaryScale at or before the current step
    canary_scale_weight: int | None = None
    pause_reasons: tuple[str, ...] = ()
    traffic: tuple[TrafficReference, ...] = ()
    services: tuple[str, ...] = ()  # Services that the strategy names, stable or active first
    pod_labels: dict[str, str] = msgspec.field(default_factory=dict)
    stable_hash: str = ""
    current_hash: str = ""
    conditions: tuple[ConditionFacts, ...] = ()


class ReplicaSetFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A ReplicaSet."""

    ref: ObjectRef
    owner: ObjectRef | None = None  # its controller
    template_hash: str = ""
    revision: str = ""
    created_at: datetime | None = None
    desired: int | None = None  # spec.replicas
    current: int | None = None
    ready: int | None = None
    available: int | None = None
    is_scaling_down_at: datetime | None = None  # scale-down deadline annotation of Argo Rollouts
    pod_labels: dict[str, str] = msgspec.field(default_factory=dict)
    conditions: tuple[ConditionFacts, ...] = ()


class HpaFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A HorizontalPodAutoscaler."""

    ref: ObjectRef
    target: ObjectRef
    minimum: int | None = None
    maximum: int | None = None
    current: int | None = None
    desired: int | None = None
    last_scale_at: datetime | None = None
    conditions: tuple[ConditionFacts, ...] = ()


class LabelSelector(msgspec.Struct, frozen=True):
    """A label selector; empty selects everything."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()  # (key, In|NotIn|Exists|DoesNotExist, values)


class WebhookRule(msgspec.Struct, frozen=True):
    """For which calls an admission webhook is asked; "*" stands for all."""

    groups: tuple[str, ...]
    versions: tuple[str, ...]
    resources: tuple[str, ...]
    operations: tuple[str, ...]
    scope: str = "*"


class WebhookFactsOfObject(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook of a configuration."""

    name: str
    service: ServiceRef | None = None
    url: str | None = None  # without user and query
    ca_bundle: tuple[CertificateInfo, ...] = ()
    failure_policy: str = "Fail"
    timeout_seconds: int | None = None
    rules: tuple[WebhookRule, ...] = ()
    namespace_selector: LabelSelector = LabelSelector()
    object_selector: LabelSelector = LabelSelector()


class WebhookConfigurationFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Validating- or MutatingWebhookConfiguration."""

    ref: ObjectRef
    generation: int | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None  # newest time in managedFields
    webhooks: tuple[WebhookFactsOfObject, ...] = ()


class CrdFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A CustomResourceDefinition; `conversion` where a webhook converts between its versions."""

    ref: ObjectRef
    group: str
    kind: str
    plural: str
    served_versions: tuple[str, ...] = ()
    storage_version: str = ""
    conversion: ServiceRef | None = None
    conversion_url: str | None = None
    ca_bundle: tuple[CertificateInfo, ...] = ()
    generation: int | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None


class ServiceFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Service."""

    ref: ObjectRef
    selector: dict[str, str] = msgspec.field(default_factory=dict)
    ports: tuple[int, ...] = ()
    cluster_ip: str = ""


class EndpointSliceFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """Which pods stand behind a Service."""

    ref: ObjectRef
    service: str = ""
    ready_count: int = 0
    not_ready_count: int = 0
    pods: tuple[str, ...] = ()


class PodFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Pod, as far as it matters for what it serves."""

    ref: ObjectRef
    owner: ObjectRef | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    phase: str = ""
    is_ready: bool = False
    started_at: datetime | None = None
    restarts: int = 0
    last_restart_at: datetime | None = None
    waiting_reasons: tuple[str, ...] = ()


class SecretFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Secret's public certificates; nothing else of it is ever kept."""

    ref: ObjectRef
    created_at: datetime | None = None
    changed_at: datetime | None = None
    certificates: tuple[CertificateInfo, ...] = ()  # of tls.crt, leaf first
    authorities: tuple[CertificateInfo, ...] = ()  # of ca.crt


class CertManagerCertificateFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Certificate of cert-manager.io."""

    ref: ObjectRef
    secret_name: str = ""
    dns_names: tuple[str, ...] = ()
    not_after: datetime | None = None
    renewal_at: datetime | None = None
    revision: int | None = None
    conditions: tuple[ConditionFacts, ...] = ()


class LeaseFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Lease."""

    ref: ObjectRef
    holder: str = ""
    renewed_at: datetime | None = None
    transitions: int | None = None


class KubernetesEventFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Kubernetes Event, of v1 or events.k8s.io/v1, or a row of a table."""

    ref: ObjectRef  # of the Event itself; empty name for a row
    involved: ObjectRef
    reason: str
    type: str = ""  # Normal or Warning
    message: str = ""
    component: str = ""
    count: int = 1
    first_at: datetime | None = None
    last_at: datetime | None = None


class PolicyFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A ValidatingAdmissionPolicy or its binding."""

    ref: ObjectRef
    generation: int | None = None
    created_at: datetime | None = None


class NamespaceFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Namespace: its labels decide which admission webhooks are asked."""

    ref: ObjectRef
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    phase: str = ""


class OtherFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """An object of a traffic router: that it exists, and in which version it was read."""

    ref: ObjectRef
    group: str
    version: str
    generation: int | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None


AnyFacts = (
    RolloutFacts
    | ReplicaSetFacts
    | HpaFacts
    | WebhookConfigurationFacts
    | CrdFacts
    | ServiceFacts
    | EndpointSliceFacts
    | PodFacts
    | SecretFacts
    | CertManagerCertificateFacts
    | LeaseFacts
    | KubernetesEventFacts
    | PolicyFacts
    | NamespaceFacts
    | OtherFacts
)


class ObjectSeen(Event, frozen=True):
    """An object as it was at a time. `at` is that of the snapshot; for a Kubernetes Event its last occurrence."""

    facts: AnyFacts
    is_deleted: bool = False  # a watch saw it go: these are its last facts
    failure: Failure | None = None  # what a Warning event or a bad condition says, taken apart
