"""How long the objects of a large cluster take to be known, and what they need: a real API server, no network.

Run: .venv/bin/python -m bench.bench_objects [rollouts] [ReplicaSets]
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.cluster.calls import Call
from pipeline.cluster.connection import KubeCluster as Connection
from pipeline.cluster.settings import ClusterSettings
from pipeline.cluster.tally import CallTally
from pipeline.engine.engine import Engine
from pipeline.engine.settings import EngineSettings
from pipeline.sources.objects.cluster_api import ClusterObjectApi
from pipeline.sources.objects.source import ObjectSource
from tests.scenarios.scenarios import built_in_rules
from tests.servers.kube_cluster import KubeCluster
from tests.servers.rollout_kind import install_kind
from tests.servers.test_object_watch import _replica_set

IDLE_SECONDS = 20.0


class Weighing(ClusterObjectApi):
    """Adds up what lists weigh."""

    received = 0

    def get(self, call: Call, query: Mapping[str, str]) -> bytes:
        """Added up."""
        body = super().get(call, query)
        Weighing.received += len(body)
        return body


def _shown(tally: CallTally) -> str:
    return ", ".join(
        f"{kind.verb} {kind.resource} {kind.code}: {count}" for kind, count in sorted(tally.calls().items())
    )


def _rollout(name: str) -> dict[str, Any]:
    spec = _replica_set(name, 3)["spec"]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {**spec, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}},
    }


def _run(number: int) -> dict[str, Any]:
    """Every other one went well, as most do."""
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": f"app-{number}", "uid": str(number)}
    phase = "Successful" if number % 2 else "Failed"
    measured = {"phase": phase, "value": "[0.42]", "finishedAt": "2026-11-25T12:00:00Z"}
    metric = {"name": "success-rate", "phase": phase, "measurements": [measured] * 10}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {
            "name": f"app-{number}-2-1",
            "namespace": "shop",
            "ownerReferences": [{**owner, "controller": True}],
        },
        "status": {"phase": phase, "message": "", "metricResults": [metric]},
    }


def _make_run(cluster: KubeCluster, number: int) -> None:
    path, run = "/apis/argoproj.io/v1alpha1/namespaces/shop/analysisruns", _run(number)
    cluster.call("POST", path, run)
    cluster.set_status(f"{path}/{run['metadata']['name']}", run["status"])


def _fill(cluster: KubeCluster, rollouts: int, replica_sets: int) -> None:
    cluster.add_namespace("shop")
    install_kind(cluster, "Rollout")
    install_kind(cluster, "AnalysisRun")
    path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: cluster.call("POST", path, _rollout(f"app-{n}")), range(rollouts)))
        list(pool.map(lambda n: _make_run(cluster, n), range(rollouts)))
        path = "/apis/apps/v1/namespaces/shop/replicasets"
        list(pool.map(lambda n: cluster.call("POST", path, _replica_set(f"app-{n}", 3)), range(replica_sets)))


def _resident_mib() -> float:
    """Of this process, now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Fill a cluster, watch it, say what that took."""
    rollouts, replica_sets = (int(text) for text in (sys.argv[1:] or ("2000", "10000")))
    with tempfile.TemporaryDirectory() as folder:
        cluster = KubeCluster(Path(folder) / "cluster")
        cluster.start()
        try:
            began = time.monotonic()
            filling = multiprocessing.Process(target=_fill, args=(cluster, rollouts, replica_sets))
            filling.start()  # its memory is not ours
            filling.join()
            print(f"filled in {time.monotonic() - began:.1f} s")
            _measure(cluster)
        finally:
            cluster.stop()


def _measure(cluster: KubeCluster) -> None:
    tally = CallTally()
    connection = Connection(ClusterSettings(kubeconfig=str(cluster.kubeconfig())), tally)
    engine = Engine(EngineSettings(), built_in_rules(), evaluate_every=None)
    before, began, cpu = _resident_mib(), time.monotonic(), time.process_time()
    with closing(ObjectSource("objects", Weighing(connection), "bench")) as source:
        source.start({})
        seen = 0
        while not source.status().is_caught_up:
            fetched = source.read(0.1)
            for event in fetched.objects if fetched is not None else ():
                engine.feed(event)
                seen += 1
        took, used = time.monotonic() - began, time.process_time() - cpu
        print(f"{seen} observations in {took:.2f} s, {used:.2f} s of CPU, {Weighing.received / 2**20:.1f} MiB received")
        print(f"memory: {before:.0f} MiB before, {_resident_mib():.0f} MiB behind")
        print(f"calls: {sum(tally.calls().values())}: {_shown(tally)}")
        calls, cpu = sum(tally.calls().values()), time.process_time()
        time.sleep(IDLE_SECONDS)
        idle = time.process_time() - cpu
        print(f"idle for {IDLE_SECONDS:.0f} s: {sum(tally.calls().values()) - calls} calls, {idle:.2f} s of CPU")


if __name__ == "__main__":
    main()
