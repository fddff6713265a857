"""Rollouts that wait for a controller whose Lease nobody renews, with a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.rollout_kind import install_rollouts
from tests.servers.stored import Stored, Told
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers

NAMES = ("cart", "search", "web")
HASH = "6d9f8c7"
LEASES = {"kube-controller-manager": "kube-system", "argo-rollouts-controller-lock": "argo-rollouts"}
MANAGER, LOCK = LEASES
SECONDS = 400.0
"""Of which a minute and a half are spent where nothing else is to do."""
QUICK = {"drift_seconds": "60s", "lease_silent_seconds": "35s"}


class Scene:
    """Three Rollouts in namespaces of their own, and the Leases of two controllers."""

    def __init__(self, cluster: KubeCluster) -> None:
        self.cluster = cluster
        install_rollouts(cluster)
        for name in NAMES:
            cluster.add_namespace(f"outage-{name}")
            self._put_rollout(name, 10)
            owner = cluster.call("GET", _rollout(name))["metadata"]["uid"]
            cluster.call("POST", _sets(name), _replica_set(name, owner))
            self._count_pods(name, 10)
        for lease, namespace in LEASES.items():
            cluster.add_namespace(namespace)
            self.renew(lease)

    def renew(self, *names: str) -> None:
        """As controllers do every two seconds."""
        for name in names or LEASES:
            at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            spec = {"holderIdentity": "node-1_8f2c", "leaseDurationSeconds": 15, "renewTime": at}
            metadata = {"name": name, "namespace": LEASES[name]}
            lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
            path = f"/apis/coordination.k8s.io/v1/namespaces/{LEASES[name]}/leases/{name}"
            self.cluster.apply(path, lease)

    def scale(self, replicas: int) -> None:
        """As people and the controller of Argo Rollouts do."""
        for name in NAMES:
            self._put_rollout(name, replicas)
            change = {"spec": {"replicas": replicas}}
            path = f"{_sets(name)}/{name}-{HASH}"
            self.cluster.call("PATCH", path, change, "application/merge-patch+json")

    def make_pods(self, count: int) -> None:
        """As kube-controller-manager does; the Rollouts' status follows."""
        for name in NAMES:
            self._count_pods(name, count)
            self._write_status(name, count)

    def _put_rollout(self, name: str, replicas: int) -> None:
        spec = {"replicas": replicas, "strategy": {"canary": {}}}
        kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name}}
        self.cluster.apply(_rollout(name), {**kind, "spec": spec})
        self._write_status(name, 10)

    def _write_status(self, name: str, pods: int) -> None:
        generation = self.cluster.call("GET", _rollout(name))["metadata"]["generation"]
        numbers = {"replicas": pods, "availableReplicas": pods, "observedGeneration": str(generation)}
        self.cluster.set_status(_rollout(name), {**numbers, "stableRS": HASH, "currentPodHash": HASH})

    def _count_pods(self, name: str, count: int) -> None:
        numbers = {"replicas": count, "readyReplicas": count, "availableReplicas": count}
        self.cluster.set_status(f"{_sets(name)}/{name}-{HASH}", numbers)


def _rollout(name: str) -> str:
    return f"/apis/argoproj.io/v1alpha1/namespaces/outage-{name}/rollouts/{name}"


def _sets(name: str) -> str:
    return f"/apis/apps/v1/namespaces/outage-{name}/replicasets"


def _replica_set(name: str, owner: str) -> dict[str, Any]:
    labels = {"app": name, "rollouts-pod-template-hash": HASH}
    by = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name, "uid": owner, "controller": True}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": f"{name}-{HASH}", "labels": labels, "ownerReferences": [by]},
        "spec": {"replicas": 10, "selector": {"matchLabels": labels}, "template": template},
    }


@pytest.fixture
def scene(make_cluster: MakeCluster) -> Scene:
    """With everything as it should be."""
    return Scene(make_cluster())


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Watching]:
    """With a hold time and a proof of silence that a test can wait for."""
    settings = {"store": {"url": f"sqlite:///{tmp_path}/whystuck.db"}, "engine": QUICK}
    with closing(Watching(tmp_path / "daemon", settings)) as running:
        yield running


def test_outage_of_the_controller_manager(scene: Scene, daemon: Watching, tmp_path: Path) -> None:
    """One incident of all Rollouts that want more pods, and none of each; over when there are pods."""
    recording, stored = tmp_path / "recording.jsonl", Stored(f"sqlite:///{tmp_path}/whystuck.db")
    kubeconfig = str(scene.cluster.kubeconfig())
    daemon.start("--from", "kubernetes", "--kubeconfig", kubeconfig, "--record", str(recording))
    daemon.until_ready()

    def is_renewed_and(done: object, *leases: str) -> bool:
        scene.renew(*leases)
        return bool(done)

    daemon.until(lambda: is_renewed_and(_are_seen_alive(recording)), "both are seen renewed", SECONDS, 0.5)
    scene.scale(20)
    daemon.until(lambda: is_renewed_and(_open(stored) == [NAMES], LOCK), "all are told of together", SECONDS, 0.5)
    (incident,) = stored.incidents()
    culprit = incident["cause"]["culprit"]
    assert ("Lease", "kube-system", MANAGER) == (culprit["kind"], culprit["namespace"], culprit["name"])
    assert (True, "leader_election") == (incident["cause"]["established"], incident["cause"]["class"])
    assert [20, 20, 20] == [victim["drift"]["desired"] for victim in incident["victims"]]

    scene.make_pods(20)
    daemon.until(lambda: is_renewed_and(not _open(stored)), "it is over", SECONDS, 0.5)
    assert Told("drift", "opened", "controller_silent") in stored.transitions()
    assert "resolved" == stored.transitions()[-1].transition


def _are_seen_alive(recording: Path) -> bool:
    """Whether a watch saw each Lease renewed."""
    lines = recording.read_text(encoding="utf-8").splitlines() if recording.exists() else []
    return all(any(f'"name":"{name}"' in line and '"alive_at":"' in line for line in lines) for name in LEASES)


def _open(stored: Stored) -> list[tuple[str, ...]]:
    """The victims of each open incident."""
    found = [one for one in stored.incidents() if one["status"] == "open"]
    return [tuple(sorted(victim["name"] for victim in one["victims"])) for one in found]
