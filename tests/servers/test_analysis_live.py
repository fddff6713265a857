"""Rollouts that an AnalysisRun has ended or holds, with a real API server and the status that a controller writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.kube_cluster import KubeCluster
from tests.servers.rollout_kind import install_kind
from tests.servers.stored import Stored, Told
from tests.servers.watching import SECONDS, Watching

pytestmark = pytest.mark.servers

NAMESPACE, NAME, RUN, HASH = "analysed", "web", "web-54b8d7-2-1", "54b8d7"
FAILED = 'Metric "success-rate" assessed Failed due to failed (1) > failureLimit (0)'
INCONCLUSIVE = 'Metric "success-rate" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)'
_API = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}"
NOTHING = {
    "abort": None,
    "abortedAt": None,
    "pauseConditions": None,
    "canary": {},
    "conditions": [],
    "phase": "Healthy",
}


class Scene:
    """One Rollout that is updated."""

    def __init__(self, cluster: KubeCluster) -> None:
        self._cluster = cluster
        cluster.add_namespace(NAMESPACE)
        for kind in ("Rollout", "AnalysisRun"):
            install_kind(cluster, kind)
        rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": NAME}}
        cluster.apply(f"{_API}/rollouts/{NAME}", {**rollout, "spec": {"replicas": 4, "strategy": {"canary": {}}}})
        self.write({"replicas": 4, "availableReplicas": 4, "observedGeneration": "1", "currentPodHash": HASH})

    def write(self, status: dict[str, Any]) -> None:
        """Status of the Rollout."""
        self._cluster.set_status(f"{_API}/rollouts/{NAME}", status)

    def end_run(self, name: str, phase: str, message: str) -> None:
        """A run of the step ends."""
        uid = self._cluster.call("GET", f"{_API}/rollouts/{NAME}")["metadata"]["uid"]
        owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": NAME, "uid": uid, "controller": True}
        labels = {"rollout-type": "Step", "rollouts-pod-template-hash": HASH}
        metadata = {"name": name, "labels": labels, "ownerReferences": [owner]}
        kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun"}
        self._cluster.apply(f"{_API}/analysisruns/{name}", {**kind, "metadata": metadata, "spec": {"metrics": []}})
        measured = {"phase": phase, "value": "[0.42]", "finishedAt": _now()}
        metric = {"name": "success-rate", "phase": phase, "measurements": [measured]}
        status = {"phase": phase, "message": message, "metricResults": [metric], "completedAt": _now()}
        self._cluster.set_status(f"{_API}/analysisruns/{name}", status)

    def abort(self, reason: str = "") -> None:
        """With what the controller puts behind its own words; nothing: a person did it."""
        message = f"Rollout aborted update to revision 2{reason}"
        condition = {"type": "Progressing", "status": "False", "reason": "RolloutAborted", "message": message}
        degraded = {"phase": "Degraded", "message": f"RolloutAborted: {message}"}
        self.write({**degraded, "abort": True, "abortedAt": _now(), "conditions": [condition]})

    def pause(self, reason: str) -> None:
        """As the controller does."""
        self.write({"phase": "Paused", "message": reason, "pauseConditions": [{"reason": reason, "startTime": _now()}]})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Watching]:
    """Of the namespace."""
    settings = {"store": {"url": f"sqlite:///{tmp_path}/whystuck.db"}, "kubernetes": {"object_namespaces": [NAMESPACE]}}
    with closing(Watching(tmp_path / "daemon", settings)) as running:
        yield running


def test_ended_and_held_until_somebody_decides(cluster: KubeCluster, daemon: Watching, tmp_path: Path) -> None:
    """Once each, over when it goes on; what a person or a step does is told of by nobody."""
    scene, stored = Scene(cluster), Stored(f"sqlite:///{tmp_path}/whystuck.db")
    daemon.start("--from", "kubernetes", "--kubeconfig", str(cluster.kubeconfig()), "-n", NAMESPACE)
    daemon.until_ready()

    scene.end_run(RUN, "Failed", FAILED)
    scene.abort(f": {FAILED}")
    _until_told(daemon, stored, "opened", "analysis_failed")
    (incident,) = stored.incidents()
    culprit = incident["cause"]["culprit"]
    assert ("AnalysisRun", NAMESPACE, RUN) == (culprit["kind"], culprit["namespace"], culprit["name"])
    assert "Metric success-rate is Failed, measured [0.42]" in incident["summary"]
    scene.write(NOTHING)
    _until_told(daemon, stored, "resolved", "went_on")

    scene.abort()
    scene.write(NOTHING)
    scene.pause("CanaryPauseStep")
    scene.write(NOTHING)
    scene.end_run("web-54b8d7-2-2", "Inconclusive", INCONCLUSIVE)
    scene.pause("InconclusiveAnalysisRun")
    _until_told(daemon, stored, "opened", "analysis_inconclusive")
    assert "web-54b8d7-2-2" in stored.incidents()[-1]["title"]
    scene.write(NOTHING)
    daemon.until(lambda: len(stored.transitions()) == 4, "it is over", SECONDS)
    assert Told("analysis", "resolved", "went_on") == stored.transitions()[-1]


def _until_told(daemon: Watching, stored: Stored, transition: str, reason: str) -> None:
    told = Told("analysis", transition, reason)
    daemon.until(lambda: stored.transitions()[-1:] == [told], f"{transition}, {reason}", SECONDS)
