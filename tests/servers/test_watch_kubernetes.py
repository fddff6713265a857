"""`whystuck watch --from kubernetes` as a process, against a real API server."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles
from tests.scenarios.scenarios import READ_AT, SCENARIOS, built_in_rules, load
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_controllers import add_pod, print_lines
from tests.servers.kubelet import Kubelet
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers

SAME = ["seed-emissary-expired", "emissary-expired-v1.9.1", "emissary-500", "healthy-canary"]
RULES = {
    "pods": {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    "pods/log": {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
}


def _replayed(scenario: str) -> list[dict[str, Any]]:
    (log,) = load(scenario).logs
    files = InputFiles([str(SCENARIOS / scenario / log)], cluster="test")
    return comparable(replay(files, EngineSettings(), built_in_rules(), read_at=READ_AT).incidents)


@pytest.mark.parametrize("scenario", SAME)
def test_same_incidents_as_from_kafka_and_replay(
    cluster: KubeCluster, kubelet: Kubelet, broker: Broker, tmp_path: Path, scenario: str
) -> None:
    """The same lines by three roads."""
    namespace, lines = f"same-{scenario.replace('.', '-')}", lines_of_log(scenario)
    add_pod(cluster, kubelet, namespace, "argo-rollouts-7c9d5f6b8-h4x2m")
    print_lines(kubelet, namespace, "argo-rollouts-7c9d5f6b8-h4x2m", lines)
    topics = Topics(broker.address())
    topic = topics.create(1, settings=KEPT)
    play(topics, topic, lines)
    found = []
    for source, settings in (
        ("kubernetes", {"kubernetes": {"namespaces": [namespace], "objects": False}}),  # of another cluster
        ("kafka", {"kafka": kafka_settings(broker, topic, origin={"cluster": "test"})}),
    ):
        url = f"sqlite:///{tmp_path}/{source}.db"
        with closing(Watching(tmp_path / source, {"store": {"url": url}, **settings})) as daemon:
            daemon.start("--once", "--from", source, environment={"KUBECONFIG": str(cluster.kubeconfig())})
            assert daemon.wait() == 0, daemon.printed()
        assert Stored(url).gaps() == []
        found.append(Stored(url).incidents())
    # The pod-log API says where the controller runs, the lines themselves do not.
    found[0] = json.loads(json.dumps(found[0]).replace(f"-n {namespace} ", "-n argo-rollouts "))
    for incident in found[0]:
        incident["controller"]["namespace"] = None
    assert _replayed(scenario) == found[0]
    assert found[0] == found[1]


def test_nothing_but_a_kubeconfig(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """Flags as kubectl has them, with a service account that has the documented rights and no others."""
    add_pod(cluster, kubelet, "least", "controller-0")
    print_lines(kubelet, "least", "controller-0", lines_of_log("seed-emissary-expired"))
    kubeconfig = cluster.kubeconfig(cluster.add_account("least", "reader", list(RULES.values())), name="least")
    url = f"sqlite:///{tmp_path}/whystuck.db"
    with closing(Watching(tmp_path / "daemon", {"store": {"url": url}})) as daemon:
        daemon.start("--once", "--from", "kubernetes", "--kubeconfig", str(kubeconfig), "-n", "least")
        assert daemon.wait() == 0, daemon.printed()
    assert len(Stored(url).incidents()) >= 1


def test_without_the_right_to_list_pods(cluster: KubeCluster, tmp_path: Path) -> None:
    """One line says the call, the right and the rule, and the command ends with status 2."""
    cluster.add_namespace("no-list")
    kubeconfig = cluster.kubeconfig(cluster.add_account("no-list", "reader", [RULES["pods/log"]]), name="no-list")
    with closing(Watching(tmp_path, {"store": {"url": f"sqlite:///{tmp_path}/whystuck.db"}})) as daemon:
        daemon.start("--from", "kubernetes", "--kubeconfig", str(kubeconfig))
        assert 2 == daemon.wait()
        assert 'rule {apiGroups: [""], resources: ["pods"], verbs: ["list"]} would allow it' in daemon.printed()


def test_without_the_right_to_watch_pods(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """They are listed again and again; one line says which right would spare that. A pod that comes later is found."""
    add_pod(cluster, kubelet, "no-watch", "controller-0")
    listing = {**RULES["pods"], "verbs": ["list"]}
    account = cluster.add_account("no-watch", "reader", [listing, RULES["pods/log"]])
    kubeconfig = str(cluster.kubeconfig(account, name="no-watch"))
    url = f"sqlite:///{tmp_path}/whystuck.db"
    quick = {"kubernetes": {"find_seconds": 0.5, "objects": False}}
    with closing(Watching(tmp_path, {"store": {"url": url}, **quick})) as daemon:
        daemon.start("--from", "kubernetes", "--kubeconfig", kubeconfig, "-n", "no-watch")
        daemon.until(lambda: "source.right_missing" in daemon.printed(), "the missing right is told")
        add_pod(cluster, kubelet, "no-watch", "controller-1")
        print_lines(kubelet, "no-watch", "controller-1", lines_of_log("seed-emissary-expired"))
        daemon.until(lambda: Stored(url).commits() and Stored(url).incidents(), "the logs of the new one are read")
        assert 1 == daemon.printed().count("source.right_missing")
        assert "cannot watch pods in namespace no-watch" in daemon.printed()
