"""Emissary's api-ext as far as the API server knows it: a Service, and the CRD of the Mappings that it converts.

The Service has an address of this machine, at which the server listens (see `service-cluster-ip-range` of the
cluster), so the API server finds it by its name as in life, and its errors are the real ones.
"""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.kube_cluster import KubeCluster, RefusedError
from tests.servers.webhook_server import WebhookServer, until_connected_anew

NAMESPACE, NAME = "emissary-system", "emissary-apiext"
HOST = f"{NAME}.{NAMESPACE}.svc"
SECRET = "emissary-ingress-webhook-ca"
PRIVATE = b"nobody but api-ext may ever see this"
"""In the place of a key."""
SECONDS = 240.0
_CRD = "mappings.getambassador.io"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_GROUP = "/apis/getambassador.io"
_SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


class ApiExt:
    """It works when it is made; `close` ends it."""

    def __init__(self, cluster: KubeCluster, address: str) -> None:
        self._cluster = cluster
        self._authority = Authority("emissary-ingress-apiext", cluster.directory)
        self.server = WebhookServer(address, self._authority.issue("apiext-1", [HOST]))
        add_service(cluster, NAMESPACE, NAME, self.server)
        self._put_secret()
        cluster.call("POST", _CRDS, self._crd())

    def close(self) -> None:
        """End it."""
        self.server.close()

    def expire(self, ended_at: datetime) -> None:
        """Restarted with a certificate that has ended."""
        self.server.serve_with(self._authority.issue("apiext-expired", [HOST], ended_at))
        until_connected_anew(self._list_mappings, "certificate has expired")

    def renew(self) -> None:
        """Restarted with a good one."""
        self.server.serve_with(self._authority.issue("apiext-2", [HOST]))
        until_connected_anew(self._list_mappings, "")

    def rotate(self, began_at: datetime) -> None:
        """Restarted with a certificate of a new authority, which its Secret holds and the CRD does not."""
        self._authority = Authority("emissary-ingress-apiext-2", self._cluster.directory, began_at=began_at)
        self._put_secret()
        self.server.serve_with(self._authority.issue("apiext-3", [HOST]))
        until_connected_anew(self._list_mappings, "certificate signed by unknown authority")

    def inject(self) -> None:
        """Let the CRD trust the authority of now."""
        client = {"caBundle": self._authority.bundle}
        change = {"spec": {"conversion": {"webhook": {"clientConfig": client}}}}
        self._cluster.call("PATCH", f"{_CRDS}/{_CRD}", change, "application/merge-patch+json")
        until_connected_anew(self._list_mappings, "")

    def add_mapping(self, namespace: str, name: str) -> None:
        """A Mapping, in the version in which the API server stores them: nothing is converted. Waits for the CRD."""
        self._cluster.add_namespace(namespace)
        mapping = {
            "apiVersion": "getambassador.io/v2",
            "kind": "Mapping",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"prefix": f"/{name}/", "service": f"{name}.{namespace}:80"},
        }
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self._cluster.call("POST", f"{_GROUP}/v2/namespaces/{namespace}/mappings", mapping)
                break
            except RefusedError as error:
                if error.status != 404 or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        self.until_converted(namespace, name)

    def until_converted(self, namespace: str, name: str) -> None:
        """Wait until a Mapping can be read: the API server takes a moment to know a changed CRD."""
        deadline = time.monotonic() + SECONDS
        while (failure := self.read_mapping(namespace, name)) is not None:
            assert time.monotonic() < deadline, failure
            time.sleep(0.1)

    def read_mapping(self, namespace: str, name: str, version: str = "v3alpha1") -> str | None:
        """The call that the controller makes in every sync: None, or what the API server says went wrong."""
        try:
            self._cluster.call("GET", f"{_GROUP}/{version}/namespaces/{namespace}/mappings/{name}")
        except RefusedError as error:
            return error.message
        return None

    def _list_mappings(self) -> str | None:
        """What the API server says went wrong, where all are converted; None: there are none."""
        try:
            listed = self._cluster.call("GET", f"{_GROUP}/v3alpha1/mappings")
        except RefusedError as error:
            return error.message
        return "" if listed["items"] else None

    def _put_secret(self) -> None:
        """Its authority, where api-ext keeps it."""
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, "namespace": NAMESPACE},
            "type": "kubernetes.io/tls",
            "data": {"tls.crt": self._authority.bundle, "tls.key": base64.b64encode(PRIVATE).decode()},
        }
        self._cluster.apply(f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}", secret)

    def _crd(self) -> dict[str, Any]:
        versions = [
            {"name": name, "served": True, "storage": name == "v2", "schema": {"openAPIV3Schema": _SCHEMA}}
            for name in ("v2", "v3alpha1")
        ]
        service = {"namespace": NAMESPACE, "name": NAME, "path": "/webhooks/crd-convert", "port": self.server.port}
        client = {"service": service, "caBundle": self._authority.bundle}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": _CRD},
            "spec": {
                "group": "getambassador.io",
                "scope": "Namespaced",
                "names": {"plural": "mappings", "singular": "mapping", "kind": "Mapping", "listKind": "MappingList"},
                "versions": versions,
                "conversion": {
                    "strategy": "Webhook",
                    "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]},
                },
            },
        }


def add_service(cluster: KubeCluster, namespace: str, name: str, server: WebhookServer) -> None:
    """A Service that is nothing but the address of a server of the test."""
    cluster.add_namespace(namespace)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": server.address, "ports": [{"name": "https", "port": server.port}]},
    }
    cluster.apply(f"/api/v1/namespaces/{namespace}/services/{name}", service)


def hours_ago(hours: float) -> datetime:
    """Without fractions of a second, as certificates have none."""
    return (datetime.now(UTC) - timedelta(hours=hours)).replace(microsecond=0)
