"""Numbers that do not fit, and an informer that may be behind: with a real API server and lines of a controller."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.certificates import Authority
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_controllers import CONTAINER, add_pod
from tests.servers.kubelet import Kubelet, nano
from tests.servers.rollout_kind import install_rollouts
from tests.servers.stored import Stored, Told
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers

POD = "argo-rollouts-7c9d5f6b8-drift"
HASH = "6d9f8c7"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/drift-injector"
NUMBERS = Told("drift", "opened", "numbers_do_not_fit")
RESOLVED = Told("drift", "resolved", "numbers_fit")


class Scene:
    """A Rollout of ten pods in a namespace of its own."""

    def __init__(self, cluster: KubeCluster, namespace: str) -> None:
        self.namespace = namespace
        self._cluster = cluster
        self._rollout = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/web"
        self._sets = f"/apis/apps/v1/namespaces/{namespace}/replicasets"

    def make(self) -> None:
        """With everything as it should be."""
        self._cluster.add_namespace(self.namespace)
        install_rollouts(self._cluster)
        self.change_spec({})
        self.write_status(10)
        uid = self._cluster.call("GET", self._rollout)["metadata"]["uid"]
        for name, wanted in ((f"web-{HASH}", 10), ("web-54b8d7", 0)):
            self._cluster.call("POST", self._sets, self._replica_set(name, wanted, uid))
            self.write_set_status(name, wanted)

    def change_spec(self, annotations: Mapping[str, str]) -> None:
        """Write the spec, which raises the generation where it differs."""
        strategy = {"canary": {"stableMetadata": {"annotations": dict(annotations)}}}
        metadata = {"name": "web", "namespace": self.namespace}
        spec = {"replicas": 10, "strategy": strategy}
        rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, "spec": spec}
        self._cluster.apply(self._rollout, rollout)

    def write_status(self, available: int, *, generation: int | None = None) -> None:
        """As a controller does that has read this generation; None: the newest."""
        newest = self._cluster.call("GET", self._rollout)["metadata"]["generation"]
        status = {
            "replicas": 10,
            "availableReplicas": available,
            "observedGeneration": str(generation or newest),
            "phase": "Healthy",
            "stableRS": HASH,
            "currentPodHash": HASH,
        }
        self._cluster.set_status(self._rollout, status)

    def write_set_status(self, name: str, available: int) -> None:
        """As the ReplicaSet controller does."""
        pods = 10 if available else 0
        numbers = {"replicas": pods, "readyReplicas": available, "availableReplicas": available}
        self._cluster.set_status(f"{self._sets}/{name}", numbers)

    def lose_pods(self) -> None:
        """Four pods are not available any more."""
        self.write_status(6)
        self.write_set_status(f"web-{HASH}", 6)

    def heal(self) -> None:
        """All are."""
        self.write_set_status(f"web-{HASH}", 10)
        self.write_status(10)

    def delete_old_set(self) -> None:
        """A ReplicaSet of an earlier version goes."""
        self._cluster.call("DELETE", f"{self._sets}/web-54b8d7")

    def _replica_set(self, name: str, wanted: int, uid: str) -> dict[str, Any]:
        labels = {"app": "web", "rollouts-pod-template-hash": name.removeprefix("web-")}
        owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": uid, "controller": True}
        container = {"name": "app", "image": "app"}
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels, "ownerReferences": [owner]},
            "spec": {
                "replicas": wanted,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }


def _put_webhook(cluster: KubeCluster, authority: Authority) -> None:
    """One that is never asked."""
    bundle = base64.b64encode(authority.file.read_bytes()).decode()
    webhook = {
        "name": "inject.drift.example",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "clientConfig": {"service": {"namespace": "drift", "name": "injector"}, "caBundle": bundle},
        "objectSelector": {"matchLabels": {"drift.example/never": "true"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
    }
    cluster.apply(
        WEBHOOKS,
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "drift-injector"},
            "webhooks": [webhook],
        },
    )


class Others:
    """Other Rollouts, which the controller syncs all the time."""

    def __init__(self, cluster: KubeCluster, kubelet: Kubelet, namespace: str) -> None:
        add_pod(cluster, kubelet, namespace, POD)
        self._log = kubelet.log(namespace, POD, CONTAINER)
        self._synced_count = 0

    def are_synced(self) -> bool:
        """Print the line of a pass of one of them, now."""
        self._synced_count += 1
        now = datetime.now(UTC)
        written_at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        line = (
            f'time="{written_at}" level=info msg="Reconciliation completed" generation=1 namespace=other '
            f"resourceVersion=240 rollout=search-{self._synced_count} time_ms=38.4"
        )
        filler = f'time="{written_at}" level=info msg="Enqueueing parent of other/search: Rollout other/search"'
        # Passes are decided upon when it is certain that no line that belongs to them follows: a hundred lines later.
        for text in (line, *(filler,) * 40):
            self._log.write(text.encode(), nano(now.timestamp()))
        return True


@pytest.fixture
def daemon(cluster: KubeCluster, tmp_path: Path) -> Iterator[Watching]:
    """Of the whole cluster, with a hold time of five seconds."""
    settings = {"store": {"url": f"sqlite:///{tmp_path}/whystuck.db"}, "engine": {"drift_seconds": "5s"}}
    with closing(Watching(tmp_path / "daemon", settings)) as running:
        yield running


def _start(daemon: Watching, cluster: KubeCluster, namespace: str) -> Stored:
    stored = Stored(f"sqlite:///{daemon.directory.parent}/whystuck.db")
    daemon.start("--from", "kubernetes", "--kubeconfig", str(cluster.kubeconfig()), "-n", namespace)
    for resource in ("rollouts", "replicasets", "mutatingwebhookconfigurations"):
        watched = {"verb": "watch", "resource": resource, "code": "2xx"}
        daemon.until(lambda watched=watched: daemon.metric("whystuck_api_calls_total", **watched), "listed")  # type: ignore[misc]
    daemon.until(stored.commits, "the first commit")
    return stored


def _drifts(stored: Stored, namespace: str, status: str = "open") -> list[dict[str, Any]]:
    """Of this namespace: other tests have left objects of their own."""
    found = [one for one in stored.incidents() if (one["kind"], one["status"]) == ("drift", status)]
    return [one for one in found if one["victims"][0]["namespace"] == namespace]


def test_numbers_drift_and_fit_again(cluster: KubeCluster, kubelet: Kubelet, daemon: Watching, tmp_path: Path) -> None:
    """Opened after the hold time with what had changed before; after a kill -9 resolved under its id."""
    scene, others = Scene(cluster, "drift"), Others(cluster, kubelet, "drift")
    scene.make()
    _put_webhook(cluster, Authority("first", tmp_path))
    others.are_synced()
    stored = _start(daemon, cluster, "drift")

    _put_webhook(cluster, Authority("second", tmp_path))
    scene.delete_old_set()
    scene.lose_pods()
    daemon.until(lambda: others.are_synced() and _drifts(stored, "drift"), "the drift is told", every_seconds=0.5)
    assert NUMBERS in stored.transitions()
    (opened,) = _drifts(stored, "drift")
    assert {"desired": 10, "available": 6, "replica_sets": 10}.items() <= opened["victims"][0]["drift"].items()
    assert (False, "unknown", None) == tuple(opened["cause"][name] for name in ("established", "class", "culprit"))
    told = [one["what"] for one in opened["timeline"]]
    assert any("webhook inject.drift.example is changed: its caBundle" in what for what in told), told
    assert "ReplicaSet drift/web-54b8d7 is deleted" in told

    daemon.kill()
    scene.heal()
    daemon.start("--from", "kubernetes", "--kubeconfig", str(cluster.kubeconfig()), "-n", "drift")
    daemon.until(lambda: not _drifts(stored, "drift"), "it is over")
    assert RESOLVED in stored.transitions()
    (resolved,) = _drifts(stored, "drift", "resolved")
    assert opened["id"] == resolved["id"]


def test_status_that_is_not_written_while_others_are_synced(
    cluster: KubeCluster, kubelet: Kubelet, daemon: Watching
) -> None:
    """A suspicion about the controller's informer, until the status is written."""
    scene, others = Scene(cluster, "stale"), Others(cluster, kubelet, "stale")
    scene.make()
    others.are_synced()
    stored = _start(daemon, cluster, "stale")

    scene.change_spec({"changed": "true"})
    suspected = Told("drift", "opened", "stale_informer_suspected")
    daemon.until(lambda: others.are_synced() and _drifts(stored, "stale"), "it is suspected", every_seconds=0.5)
    assert suspected in stored.transitions()
    (incident,) = _drifts(stored, "stale")
    (suspect,) = incident["cause"]["suspects"]
    assert suspect["culprit"] is None
    assert "status_disagrees" in [one["reason"] for one in suspect["for"]]
    assert [] != suspect["against"]

    scene.write_status(10)
    daemon.until(lambda: not _drifts(stored, "stale"), "it is over")
    assert RESOLVED in stored.transitions()
