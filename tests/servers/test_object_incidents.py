"""Incidents that only the objects of a real API server tell of, through the daemon and its store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.cluster.connection import KubeCluster as Connection
from pipeline.cluster.settings import ClusterSettings
from pipeline.engine.incidents import Incident
from pipeline.sources.objects.cluster_api import ClusterObjectApi
from pipeline.sources.objects.source import ObjectSource
from tests.pipeline.daemon.running import run, stored
from tests.scenarios.scenarios import SCENARIOS
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.test_object_watch import _apply_when_served, _install_rollouts

pytestmark = pytest.mark.servers

OBJECTS = SCENARIOS / "injector-expired-with-objects" / "objects"
PATHS = {
    "rollouts": "/apis/argoproj.io/v1alpha1",
    "replicasets": "/apis/apps/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
}
_OF_SERVER = ("resourceVersion", "uid", "managedFields", "creationTimestamp", "generation", "selfLink")


def _items(plural: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads((OBJECTS / f"{plural}.json").read_text(encoding="utf-8"))["items"]
    return items


def _path(plural: str, item: dict[str, Any]) -> str:
    return f"{PATHS[plural]}/namespaces/{item['metadata']['namespace']}/{plural}"


def _put(cluster: KubeCluster, plural: str) -> None:
    """Make the recorded objects, with the status that they had."""
    for item in _items(plural):
        status = item.pop("status", {})
        item["metadata"] = {name: value for name, value in item["metadata"].items() if name not in _OF_SERVER}
        cluster.call("POST", _path(plural, item), item)
        cluster.set_status(f"{_path(plural, item)}/{item['metadata']['name']}", status)


def _heal(cluster: KubeCluster) -> None:
    """As the ReplicaSet controller does when pods can be created again."""
    for item in _items("replicasets"):
        wanted = item["spec"]["replicas"]
        numbers = {"replicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted, "conditions": None}
        cluster.set_status(f"{_path('replicasets', item)}/{item['metadata']['name']}", numbers)
    for item in _items("rollouts"):
        conditions = [one for one in item["status"]["conditions"] if one["type"] != "ReplicaFailure"]
        status = {"phase": "Healthy", "message": None, "conditions": conditions}
        cluster.set_status(f"{_path('rollouts', item)}/{item['metadata']['name']}", status)


def _watched(cluster: KubeCluster, store: Path) -> list[Incident]:
    connection = Connection(ClusterSettings(kubeconfig=str(cluster.kubeconfig())))
    run(ObjectSource("objects", ClusterObjectApi(connection), "prod"), store)
    return stored(store)


def test_blocked_replica_sets_are_an_incident_until_they_are_free(make_cluster: MakeCluster, tmp_path: Path) -> None:
    """An injector's certificate has ended: tied to the Rollout by its owner reference, with the HPA's number."""
    cluster = make_cluster()
    for name in sorted({item["metadata"]["namespace"] for plural in PATHS for item in _items(plural)}):
        cluster.add_namespace(name)
    cluster.add_namespace("shop")
    _install_rollouts(cluster)
    _apply_when_served(cluster)
    for plural in PATHS:
        _put(cluster, plural)

    (incident,) = _watched(cluster, tmp_path / "store.db")
    (victim,) = incident.victims
    assert ("tls.expired", True, "open") == (incident.cause.failure_class, incident.cause.established, incident.status)
    assert victim.drift is not None
    assert {"desired", "available", "hpa_desired", "replica_sets"} <= victim.drift.keys()

    _heal(cluster)
    (incident,) = _watched(cluster, tmp_path / "store.db")
    assert "resolved" == incident.status
