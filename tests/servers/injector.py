"""A sidecar injector as the API server knows it: a mutating webhook that is asked whenever a pod is made."""

from __future__ import annotations

import time
from datetime import datetime

from tests.servers.api_ext import SECONDS, add_service
from tests.servers.certificates import Authority
from tests.servers.kube_cluster import KubeCluster, RefusedError
from tests.servers.webhook_server import WebhookServer, until_connected_anew

NAMESPACE, NAME = "istio-system", "istiod"
HOST = f"{NAME}.{NAMESPACE}.svc"
WEBHOOK = "rev.namespace.sidecar-injector.istio.io"
_CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


class Injector:
    """It works when it is made, for the pods of one namespace; `close` ends it."""

    def __init__(self, cluster: KubeCluster, address: str, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._authority = Authority("istiod-ca", cluster.directory)
        self.server = WebhookServer(address, self._authority.issue("istiod-1", [HOST]))
        add_service(cluster, NAMESPACE, NAME, self.server)
        cluster.add_namespace(namespace)
        self._configure()
        deadline = time.monotonic() + SECONDS
        while self.server.calls_count == 0:
            failure = self.create_pod("first", is_tried_only=True)
            assert time.monotonic() < deadline, failure
            time.sleep(0.1)

    def close(self) -> None:
        """End it."""
        self.server.close()

    def expire(self, ended_at: datetime) -> None:
        """Restarted with a certificate that has ended."""
        self.server.serve_with(self._authority.issue("istiod-expired", [HOST], ended_at))
        until_connected_anew(self._try_pod, "certificate has expired")

    def renew(self) -> None:
        """Restarted with a good one."""
        self.server.serve_with(self._authority.issue("istiod-2", [HOST]))
        until_connected_anew(self._try_pod, "")

    def create_pod(self, name: str, *, is_tried_only: bool = False) -> str | None:
        """The call that the ReplicaSet controller makes: None, or what the API server says went wrong."""
        path = f"/api/v1/namespaces/{self._namespace}/pods{'?dryRun=All' if is_tried_only else ''}"
        spec = {"containers": [{"name": "app", "image": "app"}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        try:
            self._cluster.call("POST", path, pod)
        except RefusedError as error:
            return error.message
        return None

    def _try_pod(self) -> str:
        return self.create_pod("tried", is_tried_only=True) or ""

    def _configure(self) -> None:
        service = {"namespace": NAMESPACE, "name": NAME, "path": "/inject", "port": self.server.port}
        pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        webhook = {
            "name": WEBHOOK,
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": service, "caBundle": self._authority.bundle},
            "failurePolicy": "Fail",
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self._namespace}},
            "rules": [pods],
            "sideEffects": "None",
            "timeoutSeconds": 10,
        }
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "istio-sidecar-injector"},
            "webhooks": [webhook],
        }
        self._cluster.call("POST", _CONFIGURATIONS, configuration)
