"""Names of APIs: kinds, resources, and which resource a kind has.

A CRD is called `plural.group`. A message that names only the kind does not say the plural: it is taken from a CRD that
was seen, from another message, or from what Argo Rollouts itself asks for, and never made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from parsers.events import Failure

_ROUTER_FIELD = re.compile(r"trafficRouting\.(\w+(?:\.(?!\s)\w+)?)")
_RESOURCE_OF_FIELD = {
    "ambassador.mappings": "mappings.getambassador.io",
    "istio.virtualService": "virtualservices.networking.istio.io",
    "istio.virtualServices": "virtualservices.networking.istio.io",
    "istio.destinationRule": "destinationrules.networking.istio.io",
    "smi.trafficSplitName": "trafficsplits.split.smi-spec.io",
    "apisix.route": "apisixroutes.apisix.apache.org",
    "appMesh.virtualService": "virtualservices.appmesh.k8s.aws",
}
"""What a field of a Rollout names. Source: argo-rollouts pkg/apis/rollouts/v1alpha1/types.go, 1.0 to 1.9."""
_KNOWN = frozenset(_RESOURCE_OF_FIELD.values())


def names_router_field(text: str) -> bool:
    """Whether a text is about a field of a Rollout's traffic routing."""
    return _ROUTER_FIELD.search(text) is not None


def resource_of_field(text: str) -> str:
    """The resource that such a field names, empty where that is not known."""
    field = _ROUTER_FIELD.search(text)
    return _RESOURCE_OF_FIELD.get(field[1], "") if field is not None else ""


def known_resource_of(group_kind: str) -> str:
    """The resource of a `Kind.group` that Argo Rollouts itself reads, empty for any other."""
    kind, _, group = group_kind.partition(".")
    resource = f"{plural_of(kind)}.{group}"
    return resource if resource in _KNOWN else ""


def resources_of_kinds(failures: Iterable[Failure]) -> dict[str, str]:
    """Resources that some messages name, by the `Kind.group` that others name."""
    found = list(failures)
    resources = {failure.named_object.resource for failure in found if failure.named_object is not None}
    kinds = {group_kind_of(failure.kind) for failure in found if failure.kind is not None}
    by_kind = {kind: f"{plural_of(kind.partition('.')[0])}.{kind.partition('.')[2]}" for kind in kinds if "." in kind}
    return {kind: resource for kind, resource in by_kind.items() if resource in resources}


def group_kind_of(kind: str) -> str:
    """`group/version, Kind=Kind` without the version, as `Kind.group`."""
    group_version, _, name = kind.partition(", Kind=")
    return f"{name}.{group_version.rpartition('/')[0]}".strip(".")


def plural_of(kind: str) -> str:
    """The plural that a CRD of this kind has by convention; used to compare two names, never as one."""
    lower = kind.lower()
    if lower.endswith("y") and lower[-2:-1] not in "aeiou":
        return lower[:-1] + "ies"
    return lower + ("es" if lower.endswith(("s", "x", "ch", "sh")) else "s")
