"""The real kube-controller-manager and the real Argo Rollouts controller are killed: told once, with all that wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.servers.controllers import MANAGER, NODE, ROLLOUTS, Controllers
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.stored import Stored
from tests.servers.watching import Watching

pytestmark = pytest.mark.long

_LEASES = {MANAGER: "kube-controller-manager", ROLLOUTS: "argo-rollouts-controller-lock"}
NAMES = ("cart", "search", "web")
SECONDS = 600.0
QUICK = {"drift_seconds": "90s", "lease_silent_seconds": "60s"}


class Lives:
    """A cluster with all its controllers, in which three Rollouts live."""

    def __init__(self, cluster: KubeCluster) -> None:
        self.cluster = cluster
        self.kubelet = Kubelet(*cluster.authority.issue("kubelet"))
        self.controllers = Controllers(cluster, self.kubelet, "1.7.1")
        self.controllers.start()
        for name in NAMES:
            cluster.add_namespace(f"lives-{name}")
            self.scale(name, 4)

    def close(self) -> None:
        """End them."""
        self.controllers.close()
        self.kubelet.close()

    def scale(self, name: str, replicas: int) -> None:
        """Make a Rollout of so many pods, or let it want so many."""
        labels = {"app": name}
        container = {"name": "app", "image": "app"}
        template = {"metadata": {"labels": labels}, "spec": {"nodeName": NODE, "containers": [container]}}
        kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "strategy": {"canary": {}}}
        self.cluster.apply(_path(name), {**kind, "spec": {**spec, "template": template}})

    def scale_all(self, replicas: int) -> None:
        """All of them."""
        for name in NAMES:
            self.scale(name, replicas)

    def are_available(self, count: int) -> bool:
        """Whether so many pods of each are, by its status."""
        found = [self.cluster.call("GET", _path(name)).get("status", {}) for name in NAMES]
        return all(one.get("availableReplicas") == count for one in found)


def _path(name: str) -> str:
    return f"/apis/argoproj.io/v1alpha1/namespaces/lives-{name}/rollouts/{name}"


@pytest.fixture
def lives(make_cluster: MakeCluster) -> Iterator[Lives]:
    """All of it."""
    with closing(Lives(make_cluster())) as made:
        yield made


def test_controllers_are_killed_and_started_again(lives: Lives, tmp_path: Path) -> None:
    """First the one that makes pods, then the one that scales ReplicaSets; each is one incident, over when it works."""
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {"store": {"url": stored.url}, "engine": QUICK}
    recording = tmp_path / "recording.jsonl"
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        daemon.start(
            "--from", "kubernetes", "--kubeconfig", str(lives.cluster.kubeconfig()), "--record", str(recording)
        )
        daemon.until_ready()
        daemon.until(lambda: lives.are_available(4), "4 pods each", SECONDS, 0.5)
        daemon.until(lambda: _are_seen_alive(recording), "both Leases are seen renewed", SECONDS, 0.5)

        for name, start, replicas in (
            (MANAGER, lives.controllers.start_manager, 8),
            (ROLLOUTS, lives.controllers.start_rollouts, 12),
        ):
            lives.controllers.kill(name)
            lives.scale_all(replicas)
            _until_told(daemon, stored, name)
            start()
            daemon.until(lambda: not _open(stored), "it works again", SECONDS, 0.5)
            daemon.until(partial(lives.are_available, replicas), f"{replicas} pods each", SECONDS, 0.5)
        told = [(one.transition, one.reason) for one in stored.transitions()]
        assert [("opened", "controller_silent"), ("resolved", "leads_again")] * 2 == told


def _until_told(daemon: Watching, stored: Stored, name: str) -> None:
    """Wait for the incident of a controller that was killed a moment ago, with all victims."""
    killed_at = time.monotonic()
    daemon.until(lambda: [len(one["victims"]) for one in _open(stored)] == [3], "one with all", SECONDS, 0.5)
    (incident,) = _open(stored)
    cause = incident["cause"]
    assert ("Lease", _LEASES[name], True) == (cause["culprit"]["kind"], cause["culprit"]["name"], cause["established"])
    print(f"{incident['title']}: {time.monotonic() - killed_at:.0f} s after the kill")


def _are_seen_alive(recording: Path) -> bool:
    lines = recording.read_text(encoding="utf-8").splitlines() if recording.exists() else []
    names = _LEASES.values()
    return all(any(f'"name":"{name}"' in line and '"alive_at":"' in line for line in lines) for name in names)


def _open(stored: Stored) -> list[dict[str, Any]]:
    return [one for one in stored.incidents() if one["status"] == "open"]
