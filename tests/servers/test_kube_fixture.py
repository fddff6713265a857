"""The API server asks the kubelet end-point of the tests for pod logs."""

from __future__ import annotations

import pytest

from tests.servers.kube_cluster import KubeCluster
from tests.servers.kubelet import Kubelet, nano

pytestmark = pytest.mark.servers


def test_api_server_serves_what_the_kubelet_has(cluster: KubeCluster, kubelet: Kubelet) -> None:
    """With times in front."""
    cluster.add_namespace("fixture")
    cluster.add_node("fixture-node", kubelet.port)
    spec = {"nodeName": "fixture-node", "containers": [{"name": "c", "image": "x"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "fixture"}, "spec": spec}
    cluster.apply("/api/v1/namespaces/fixture/pods/p", pod)
    kubelet.log("fixture", "p", "c").write(b"hello", nano(1.5))
    printed = cluster.call("GET", "/api/v1/namespaces/fixture/pods/p/log?timestamps=true")
    assert printed == "1970-01-01T00:00:01.500000000Z hello\n"
