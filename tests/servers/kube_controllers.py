"""Pods of controllers whose logs a kubelet end-point of the tests serves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from parsers.timestamps import find_time
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kubelet import Kubelet, Line, nano

LABELS = {"app.kubernetes.io/name": "argo-rollouts"}
CONTAINER = "argo-rollouts"
_BEFORE_ALL = datetime(2026, 1, 1, tzinfo=UTC)


def add_pod(cluster: KubeCluster, kubelet: Kubelet, namespace: str, name: str) -> None:
    """A pod of a controller; namespace and node are made with it."""
    cluster.add_namespace(namespace)
    cluster.add_node(f"node-{namespace}", kubelet.port)
    metadata = {"name": name, "namespace": namespace, "labels": LABELS}
    spec = {"nodeName": f"node-{namespace}", "containers": [{"name": CONTAINER, "image": "x"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    cluster.apply(f"/api/v1/namespaces/{namespace}/pods/{name}", pod)
    kubelet.log(namespace, name, CONTAINER)


def print_lines(kubelet: Kubelet, namespace: str, pod: str, lines: Sequence[bytes]) -> None:
    """Let the controller print lines, each at its own time."""
    newest = _BEFORE_ALL
    printed: list[Line] = []
    for line in lines:
        newest = find_time(line) or newest
        printed.append(Line(nano(newest.timestamp()), line))
    kubelet.log(namespace, pod, CONTAINER).write_all(printed)
