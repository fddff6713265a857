"""Where controllers are looked for: namespaces with labels, or Deployments.

The ReplicaSets of a Deployment are called as it is, with "-" and the hash behind it that their pods have as label.
Source: kubernetes v1.30, pkg/controller/deployment/sync.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from pipeline.cluster.calls import Call, CallError, Cluster, Reason

CONTROLLERS_NAMESPACE = "argo-rollouts"
"""Where the installation manifests put the controller."""
HASH_LABEL = "pod-template-hash"


class Place(msgspec.Struct, frozen=True):
    """Pods of one namespace, or of all, that have some labels."""

    namespace: str  # empty: all
    selector: str
    deployment: str = ""  # only pods of its ReplicaSets; empty: all pods with the labels

    def __str__(self) -> str:
        if self.deployment:
            return f"pods of the Deployment {self.namespace}/{self.deployment}"
        where = f"namespace {self.namespace}" if self.namespace else "any namespace"
        return f"pods with the labels {self.selector} in {where}"

    def owns(self, replica_sets: tuple[str, ...], labels: Mapping[str, str]) -> bool:
        """Whether a pod that these ReplicaSets own belongs to the Deployment, if there is one."""
        return not self.deployment or f"{self.deployment}-{labels.get(HASH_LABEL, '')}" in replica_sets


class _Requirement(msgspec.Struct, frozen=True):
    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        match self.operator:
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
            case _:
                return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"


class _Selector(msgspec.Struct, frozen=True, rename="camel"):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[_Requirement, ...] = ()

    def __str__(self) -> str:
        equal = [f"{key}={value}" for key, value in sorted(self.match_labels.items())]
        return ",".join([*equal, *map(str, self.match_expressions)])


class _Spec(msgspec.Struct, frozen=True):
    selector: _Selector


class _Deployment(msgspec.Struct, frozen=True):
    spec: _Spec


_decoder = msgspec.json.Decoder(_Deployment)


def place_of_deployment(cluster: Cluster, namespace: str, name: str) -> Place:
    """Where the pods of a Deployment are. Raises CallError."""
    call = Call("get", "deployments", namespace, name, group="apps")
    try:
        found = _decoder.decode(cluster.get(call))
    except msgspec.DecodeError as error:
        raise CallError(cluster.name, call, Reason.FAILED, f"the answer is no Deployment: {error}") from error
    return Place(namespace, str(found.spec.selector), name)


def deployments_of(names: tuple[str, ...], namespaces: tuple[str, ...], own: str) -> Iterator[tuple[str, str]]:
    """Namespace and name of each Deployment that is called `namespace/name`; without one, in each of the namespaces.

    Args:
        names: as in the configuration.
        namespaces: as in the configuration.
        own: the context's namespace, where none is configured.
    """
    for each in names:
        namespace, _, name = each.rpartition("/")
        for place in [namespace] if namespace else namespaces or (own,):
            yield place, name


def narrower_namespaces(own: str) -> list[str]:
    """Where to look when not all namespaces may be looked into: where one is, and where controllers are as a rule."""
    return list(dict.fromkeys([own, CONTROLLERS_NAMESPACE]))
