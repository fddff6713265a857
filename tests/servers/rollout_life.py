"""The life of one Rollout in a cluster with all its real controllers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.servers.controllers import NODE, Controllers
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kubelet import Kubelet

SECONDS = 300.0
"""Machines that do other work beside are slow; nothing waits longer than it has to."""
NAME = "api-production-api"


class Life:
    """A cluster with all its controllers, in which one Rollout lives."""

    def __init__(self, cluster: KubeCluster, version: str, namespace: str = "production") -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.kubelet = Kubelet(*cluster.authority.issue("kubelet"))
        self.controllers = Controllers(cluster, self.kubelet, version)
        cluster.add_namespace(namespace)
        self.controllers.start()

    def close(self) -> None:
        """End them."""
        self.controllers.close()
        self.kubelet.close()

    def rollout(self) -> dict[str, Any]:
        """It, as it is."""
        found: dict[str, Any] = self.cluster.call("GET", self._path("rollouts"))
        return found

    def deploy(self, image: str, canary: dict[str, Any], replicas: int | None = None) -> None:
        """Make the Rollout with so many replicas, or give it another image."""
        labels = {"app.kubernetes.io/name": NAME}
        container = {"name": NAME, "image": f"registry.internal/{NAME}:{image}"}
        spec: dict[str, Any] = {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"nodeName": NODE, "containers": [container]}},
            "strategy": {"canary": canary},
        }
        body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": NAME}, "spec": spec}
        if replicas is None:
            self.cluster.call("PATCH", self._path("rollouts"), body, "application/merge-patch+json")
        else:
            spec["replicas"] = replicas
            self.cluster.call("POST", self._path("rollouts").rpartition("/")[0], body)

    def scale(self, replicas: int) -> None:
        """By its autoscaler: one that may not choose."""
        target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": NAME}
        cpu = {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 65}},
        }
        spec = {"scaleTargetRef": target, "minReplicas": replicas, "maxReplicas": replicas, "metrics": [cpu]}
        metadata = {"name": NAME, "namespace": self.namespace}
        body = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}
        self.cluster.apply(self._path("horizontalpodautoscalers"), body)

    def scale_by_hand(self, replicas: int) -> None:
        """Without an autoscaler."""
        self.cluster.call(
            "PATCH", self._path("rollouts"), {"spec": {"replicas": replicas}}, "application/merge-patch+json"
        )

    def add_service(self, name: str) -> None:
        """A Service that the Rollout's strategy names."""
        spec = {"selector": {"app.kubernetes.io/name": NAME}, "ports": [{"name": "http", "port": 80}]}
        metadata = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        self.cluster.apply(f"/api/v1/namespaces/{self.namespace}/services/{name}", body)

    def replica_sets(self) -> list[int]:
        """How many pods each ReplicaSet wants, most first."""
        found = self.cluster.call("GET", self._path("replicasets").rpartition("/")[0])["items"]
        return sorted((one["spec"]["replicas"] for one in found), reverse=True)

    def until(self, is_so: Callable[[], object], what: str) -> float:
        """Wait until something is so; how long that took."""
        began = time.monotonic()
        while not is_so():
            assert time.monotonic() < began + SECONDS, f"{what} is not so: {self.rollout()['status']}"
            time.sleep(0.1)
        return time.monotonic() - began

    def until_available(self, count: int) -> None:
        """Wait until so many pods are, by the Rollout's status."""
        self.until(lambda: self.rollout().get("status", {}).get("availableReplicas") == count, f"{count} available")

    def _path(self, plural: str) -> str:
        groups = {
            "rollouts": "argoproj.io/v1alpha1",
            "replicasets": "apps/v1",
            "horizontalpodautoscalers": "autoscaling/v2",
        }
        return f"/apis/{groups[plural]}/namespaces/{self.namespace}/{plural}/{NAME}"
