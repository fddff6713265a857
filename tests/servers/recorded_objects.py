"""Objects of recorded scenarios, put into a real API server with the status that they had."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.scenarios.scenarios import SCENARIOS
from tests.servers.kube_cluster import KubeCluster
from tests.servers.rollout_kind import install_rollouts

PATHS = {
    "rollouts": "/apis/argoproj.io/v1alpha1",
    "replicasets": "/apis/apps/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
}
_OF_SERVER = ("resourceVersion", "uid", "managedFields", "creationTimestamp", "generation", "selfLink")
Adapt = Callable[[bytes], bytes]


def recorded_items(scenario: str, plural: str, adapt: Adapt = bytes) -> list[dict[str, Any]]:
    """The recorded objects of a kind; `adapt` may change their JSON."""
    text = (SCENARIOS / scenario / "objects" / f"{plural}.json").read_bytes()
    items: list[dict[str, Any]] = json.loads(adapt(text))["items"]
    return items


def path_of(plural: str, item: dict[str, Any]) -> str:
    """Where objects of this one's kind and namespace are."""
    return f"{PATHS[plural]}/namespaces/{item['metadata']['namespace']}/{plural}"


def prepare_kinds(cluster: KubeCluster) -> None:
    """Let the API server know Rollouts."""
    cluster.add_namespace("shop")
    install_rollouts(cluster)


def put_recorded(cluster: KubeCluster, scenario: str, adapt: Adapt = bytes) -> None:
    """Make the Rollouts, ReplicaSets and HPAs of a scenario; ReplicaSets belong to their Rollouts, as they did."""
    uids: dict[tuple[str, str], str] = {}
    for plural in PATHS:
        for item in recorded_items(scenario, plural, adapt):
            made = _put(cluster, plural, item, uids)
            uids[made["metadata"]["namespace"], made["metadata"]["name"]] = made["metadata"]["uid"]


def _put(cluster: KubeCluster, plural: str, item: dict[str, Any], uids: dict[tuple[str, str], str]) -> dict[str, Any]:
    status = item.pop("status", {})
    metadata = {name: value for name, value in item["metadata"].items() if name not in _OF_SERVER}
    for owner in metadata.get("ownerReferences", ()):
        owner["uid"] = uids.get((metadata["namespace"], owner["name"]), owner["uid"])
    cluster.add_namespace(metadata["namespace"])
    item["metadata"] = metadata
    made: dict[str, Any] = cluster.call("POST", path_of(plural, item), item)
    cluster.set_status(f"{path_of(plural, item)}/{metadata['name']}", status)
    return made


def heal_rollout(cluster: KubeCluster, scenario: str) -> None:
    """As the controller does in its first pass that succeeds: its surplus goes, its status follows."""
    (rollout,) = recorded_items(scenario, "rollouts")
    wanted = rollout["spec"]["replicas"]
    path = f"{path_of('rollouts', rollout)}/{rollout['metadata']['name']}"
    for item in recorded_items(scenario, "replicasets"):
        if item["spec"]["replicas"] > wanted:
            patch = {"spec": {"replicas": wanted}}
            name = f"{path_of('replicasets', item)}/{item['metadata']['name']}"
            cluster.call("PATCH", name, patch, "application/merge-patch+json")
    for available in range(wanted, wanted + 6):
        cluster.set_status(path, {"availableReplicas": available})


def free_replica_sets(cluster: KubeCluster, scenario: str) -> None:
    """As the ReplicaSet controller does when pods can be created again."""
    for item in recorded_items(scenario, "replicasets"):
        wanted = item["spec"]["replicas"]
        numbers = {"replicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted, "conditions": None}
        cluster.set_status(f"{path_of('replicasets', item)}/{item['metadata']['name']}", numbers)
    for item in recorded_items(scenario, "rollouts"):
        conditions = [one for one in item["status"]["conditions"] if one["type"] != "ReplicaFailure"]
        status = {"phase": "Healthy", "message": None, "conditions": conditions}
        cluster.set_status(f"{path_of('rollouts', item)}/{item['metadata']['name']}", status)
