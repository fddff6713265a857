"""What a failure accuses, and which failures accuse the same thing.

The identity of a culprit groups victims into incidents: twelve rollouts behind one webhook are one incident. It does
not contain the class, so that one hanging webhook that prints three different texts stays one cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from parsers.events import Failure, NamedObject, ObjectKey
from parsers.failure_classes import CUSTOM_PREFIX
from parsers.failure_context import is_api_server_path
from pipeline.engine.api_names import (
    group_kind_of,
    known_resource_of,
    names_router_field,
    resource_of_field,
    resources_of_kinds,
)
from pipeline.engine.masks import template_for

BUILT_IN_GROUPS = ("apps", "batch", "autoscaling", "policy", "extensions", "argoproj.io")
"""API groups without conversion webhooks; so are all below k8s.io but those of aggregated and extension APIs."""
EXTENSION_GROUPS = ("metrics.k8s.io", "gateway.networking.k8s.io", "snapshot.storage.k8s.io", "x-k8s.io")
_KIND_TITLES = {
    "rollout": "Rollout",
    "experiment": "Experiment",
    "analysisrun": "AnalysisRun",
    "service": "Service",
    "ingress": "Ingress",
}
_OF_THE_OBJECT = frozenset({"conflict", "spec.invalid", "field_immutable", "crd.schema", "etcd.too_large"})
_OF_A_CALL = ("tls.", "webhook.", "network.")
"""Somebody else did not answer as he should: who does not say who, does not mean the object itself."""
_OF_THE_TEXT = frozenset({"traffic_router", "metric_provider", "unknown"})


class Culprit(msgspec.Struct, frozen=True):
    """What is to blame. `host` is the address in the message where there is one."""

    kind: str
    name: str = ""
    namespace: str = ""
    host: str = ""

    @property
    def identity(self) -> str:
        """Equal for the same culprit."""
        if self.kind == "APIServer":  # a cluster has one, whatever address a message gives it
            return self.kind
        return f"{self.kind}|{self.namespace}|{self.name or self.host}"


_KNOWN_WITHOUT_NAME = frozenset({"APIServer", "Controller", "Lease", "ResourceQuota", "LimitRange"})
_CLUSTER_SCOPED = (
    "clusteranalysistemplates",
    "priorityclasses",
    "namespaces",
    "nodes",
    "ingressclasses",
    "gatewayclasses",
)
NOBODY = Culprit("")
"""A message says what failed, and nothing that could be to blame."""


class Aliases(msgspec.Struct):
    """What messages of a cluster say about each other: which service stands behind a webhook or a kind."""

    service_of_webhook: dict[str, str] = msgspec.field(default_factory=dict)
    service_of_kind: dict[str, str] = msgspec.field(default_factory=dict)
    resource_of_kind: dict[str, str] = msgspec.field(default_factory=dict)  # names of CRDs, by `Kind.group`
    of_objects: frozenset[str] = frozenset()  # webhooks and kinds that the objects themselves relate

    @classmethod
    def of(
        cls,
        failures: Sequence[Failure],
        related: Mapping[str, tuple[str, bool]] | None = None,
        resources: Mapping[str, str] | None = None,
    ) -> Aliases:
        """Learn from failures that name both; where messages disagree, nothing is known.

        `related` is what objects say and messages cannot change: service, empty where they name several, and whether it
        converts, by webhook or kind; `resources` are the names of CRDs that were seen, by kind.
        """
        aliases = cls(resource_of_kind={**resources_of_kinds(failures), **(resources or {})})
        for name, (service, is_conversion) in (related or {}).items():
            (aliases.service_of_kind if is_conversion else aliases.service_of_webhook)[name] = service
        aliases.of_objects = frozenset(related or {})
        for failure in failures:
            if failure.service is None:
                continue
            if failure.webhook is not None and failure.webhook not in aliases.of_objects:
                _learn(aliases.service_of_webhook, failure.webhook, failure.service)
            if failure.is_conversion and failure.kind is not None:
                group_kind = group_kind_of(failure.kind)
                if group_kind not in aliases.of_objects:
                    _learn(aliases.service_of_kind, group_kind, failure.service)
        return aliases

    def is_of_objects(self, failure: Failure) -> bool:
        """Whether the objects relate what the failure names to a service."""
        named = failure.webhook or (group_kind_of(failure.kind) if failure.is_conversion and failure.kind else "")
        return named in self.of_objects

    def service_of(self, failure: Failure) -> str | None:
        """The service that a failure is about, named by itself or by others."""
        if failure.service is not None:
            return failure.service
        if failure.webhook is not None:
            return self.service_of_webhook.get(failure.webhook) or None
        if failure.is_conversion and failure.kind is not None:
            return self.service_of_kind.get(group_kind_of(failure.kind)) or None
        return None


def _learn(known: dict[str, str], name: str, service: str) -> None:
    known[name] = service if known.get(name, service) == service else ""


def culprit_of(failure: Failure, key: ObjectKey | None, aliases: Aliases) -> Culprit:
    """What the failure accuses; the object itself where it names nothing else, nobody where the name is lost."""
    found = _accused_by(failure, key, aliases)
    is_named = bool(found.name or found.namespace or found.host)
    return found if is_named or found.kind in _KNOWN_WITHOUT_NAME else NOBODY


def _accused_by(failure: Failure, key: ObjectKey | None, aliases: Aliases) -> Culprit:
    by_class = _culprit_by_class(failure, key, aliases)
    if by_class is not None:
        return by_class
    service = aliases.service_of(failure)
    if failure.webhook is not None or failure.is_conversion:
        return _webhook_culprit(failure, service, aliases)
    if failure.api_group is not None and not is_built_in(failure.api_group.partition("/")[0]):
        return Culprit("APIService", name=failure.api_group.partition("/")[0])
    if failure.failure_class.startswith("apiserver.") or _is_api_call(failure):
        return Culprit("APIServer", host=service or "")
    if service is not None:
        return service_culprit(service)
    if failure.peer is not None:
        return Culprit("Endpoint", host=failure.peer)
    if failure.failure_class in _OF_THE_TEXT or failure.failure_class.startswith(CUSTOM_PREFIX):
        return NOBODY
    if failure.failure_class.startswith(_OF_A_CALL):
        return NOBODY
    return _object_culprit(key, failure)


def _culprit_by_class(failure: Failure, key: ObjectKey | None, aliases: Aliases) -> Culprit | None:
    """Classes that name their culprit in a field of their own."""
    match failure.failure_class:
        case "rbac.forbidden":
            return _subject_culprit(failure)
        case "quota":
            kind = "LimitRange" if failure.rule == "quota.limit-range" else "ResourceQuota"
            return Culprit(kind, failure.quota or "", _namespace_of(failure, key))
        case "webhook.admission_denied":
            return _denier(failure, key)
        case "panic":
            return Culprit("Function", failure.location or "")
        case "crd.missing":
            missing = _missing_api(failure, aliases)
            return missing or (_object_culprit(key, failure) if names_router_field(failure.text) else NOBODY)
        case "object.not_found" if failure.named_object is not None:
            named = failure.named_object
            is_namespaced = named.resource.partition(".")[0] not in _CLUSTER_SCOPED
            return Culprit(named.resource, named.name, _namespace_of(failure, key) if is_namespaced else "")
        case "leader_election":
            return Culprit("Lease", failure.named_object.name if failure.named_object else "")
        case "traffic_router" if failure.plugin:
            return Culprit("Plugin", failure.plugin)
        case name if name in _OF_THE_OBJECT:
            return _object_culprit(key, failure)
    return None


def _namespace_of(failure: Failure, key: ObjectKey | None) -> str:
    """Where the object is that a failure is about; what has no namespace in its message is in that of the key."""
    named = failure.named_object.namespace if failure.named_object is not None else ""
    return named or (key.namespace if key is not None else "")


def _denier(failure: Failure, key: ObjectKey | None) -> Culprit:
    """Who looked at the object and refused it."""
    if failure.webhook:
        return Culprit("Webhook", failure.webhook)
    if failure.rule == "rbac.pod-security":  # the level that the namespace's labels ask for
        return Culprit("PodSecurity", failure.policy or "", _namespace_of(failure, key)) if failure.policy else NOBODY
    is_generic = f"policy '{failure.policy}'" in failure.text or f'policy "{failure.policy}"' in failure.text
    return Culprit("MutatingAdmissionPolicy" if is_generic else "ValidatingAdmissionPolicy", failure.policy or "")


def _missing_api(failure: Failure, aliases: Aliases) -> Culprit | None:
    """The API that is not there. A Rollout that is called invalid for it is not what is missing: its field tells."""
    if names_router_field(failure.text):
        resource = resource_of_field(failure.text)
    elif failure.kind is not None:
        return _kind_culprit(failure.kind, aliases)
    else:
        resource = (failure.named_object.resource if failure.named_object else "") or failure.api_group or ""
    return Culprit("CustomResourceDefinition", resource) if resource else None


def _kind_culprit(kind: str, aliases: Aliases) -> Culprit:
    """The CRD of a kind; the kind itself where nothing says what its CRD is called."""
    group_kind = group_kind_of(kind)
    resource = aliases.resource_of_kind.get(group_kind) or known_resource_of(group_kind)
    return Culprit("CustomResourceDefinition", resource) if resource else Culprit("Kind", group_kind)


def _subject_culprit(failure: Failure) -> Culprit:
    user = failure.user or ""
    parts = user.split(":")
    if len(parts) == 4 and parts[:2] == ["system", "serviceaccount"]:
        return Culprit("ServiceAccount", parts[3], parts[2])
    return Culprit("User", user)


def _webhook_culprit(failure: Failure, service: str | None, aliases: Aliases) -> Culprit:
    if service is not None:
        return service_culprit(service)
    if failure.webhook is not None:
        return Culprit("Webhook", failure.webhook)
    return _kind_culprit(failure.kind or "", aliases)


def service_culprit(address: str) -> Culprit:
    """The service of an address `name.namespace.svc:port`, or the address itself."""
    host = address.rpartition(":")[0] if address.rpartition(":")[2].isdigit() else address
    labels = host.split(".")
    if len(labels) >= 3 and labels[2] == "svc":
        return Culprit("Service", labels[0], labels[1], host=address)
    return Culprit("Endpoint", host=address)


def _is_api_call(failure: Failure) -> bool:
    return failure.webhook is None and not failure.is_conversion and is_api_server_path(failure.url_path or "")


def _object_culprit(key: ObjectKey | None, failure: Failure) -> Culprit:
    if key is not None:
        return Culprit(_KIND_TITLES[key.kind], key.name, key.namespace)
    named = failure.named_object or NamedObject()
    return Culprit(named.resource or "Controller", named.name, named.namespace)


def is_about_key(culprit: Culprit, key: ObjectKey | None) -> bool:
    """Whether the culprit is the object of the key itself, or, without a key, the controller."""
    if key is None:
        return culprit.kind == "Controller"
    return (culprit.kind, culprit.namespace, culprit.name) == (_KIND_TITLES[key.kind], key.namespace, key.name)


def identity_of(failure: Failure, key: ObjectKey | None, aliases: Aliases) -> str:
    """Equal for failures that have one cause."""
    culprit = culprit_of(failure, key, aliases)
    if culprit == NOBODY or (
        failure.failure_class in _OF_THE_TEXT and culprit.kind not in ("APIService", "Service", "Plugin")
    ):
        return f"{failure.failure_class}|{template_for(failure.text, key)}"
    if failure.failure_class == "webhook.admission_denied":
        return f"{culprit.identity}|{template_for(failure.text, key)}"
    if failure.failure_class == "apiserver.unauthorized":  # other trouble than an API server that is away
        return f"{culprit.identity}|unauthorized"
    return culprit.identity


def identity_unestablished(failure: Failure, key: ObjectKey | None, aliases: Aliases) -> str:
    """Equal for failures that may have one cause: those in the same words where nothing else is named."""
    names_nothing = culprit_of(failure, key, aliases) in (NOBODY, _object_culprit(key, failure))
    return f"unknown|{template_for(failure.text, key) if names_nothing else identity_of(failure, key, aliases)}"


def names_only_itself(failure: Failure) -> bool:
    """Whether a time-out says nothing about who was slow: no address, no webhook, no object of a known API."""
    named = failure.named_object
    if failure.service or failure.webhook or failure.is_conversion or failure.peer or failure.api_group:
        return False
    return named is None or not named.resource


def may_be_converted(resource: str) -> bool:
    """Whether objects of the resource can pass through a conversion webhook: custom resources of others."""
    group = resource.partition(".")[2]
    return bool(group) and not is_built_in(group)


def is_built_in(group: str) -> bool:
    """Whether the API server serves the group itself, or stores it as Argo's."""
    return group in BUILT_IN_GROUPS or (group.endswith("k8s.io") and not group.endswith(EXTENSION_GROUPS))
