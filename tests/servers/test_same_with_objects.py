"""The same lines by three roads, with the objects of one API server: by the pod-log API, by Kafka, and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles
from pipeline.sources.objects.kinds import KINDS
from tests.scenarios.scenarios import SCENARIOS, built_in_rules
from tests.servers.api_ext import ApiExt
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_controllers import add_pod, print_lines
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.recorded_objects import prepare_kinds, put_recorded
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers

LOGS = {"seed-emissary-expired": "seed-emissary-with-objects", "emissary-500": "emissary-500-with-objects"}
NOT_INSTALLED = ("analysisruns", "certificates")
POD = "argo-rollouts-7c9d5f6b8-h4x2m"


@pytest.fixture(scope="module")
def recorded_cluster(make_cluster: MakeCluster) -> Iterator[KubeCluster]:
    """One that has the objects of all these scenarios."""
    made = make_cluster()
    prepare_kinds(made)
    for scenario in LOGS.values():
        put_recorded(made, scenario)
    with closing(ApiExt(made, "127.96.0.81")):
        yield made


def _dump(cluster: KubeCluster, directory: Path) -> str:
    """Every kind that is watched and installed, as `kubectl get -A -o json` writes it."""
    directory.mkdir()
    for number, kind in enumerate(one for one in KINDS if one.plural not in NOT_INSTALLED):
        prefix = f"/apis/{kind.group}/{kind.versions[0]}" if kind.group else f"/api/{kind.versions[0]}"
        chosen = f"?fieldSelector={kind.field_selector}" if kind.field_selector else ""
        listed = cluster.call("GET", f"{prefix}/{kind.plural}{chosen}")
        items = [{"apiVersion": listed["apiVersion"], "kind": kind.kind, **item} for item in listed["items"]]
        content = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        (directory / f"{number}-{kind.plural}.json").write_text(content, encoding="utf-8")
    return str(directory)


def _replayed(log: str, objects: str) -> list[dict[str, Any]]:
    files = InputFiles([str(SCENARIOS / log / "controller.log"), objects], cluster="test")
    return comparable(replay(files, EngineSettings(), built_in_rules(), read_at=datetime.now(UTC)).incidents)


def _watched(directory: Path, cluster: KubeCluster, settings: dict[str, Any]) -> list[dict[str, Any]]:
    url = f"sqlite:///{directory}.db"
    with closing(Watching(directory, {"store": {"url": url}, **settings})) as daemon:
        daemon.start("--once", environment={"KUBECONFIG": str(cluster.kubeconfig())})
        assert daemon.wait() == 0, daemon.printed()
    assert Stored(url).gaps() == []
    return Stored(url).incidents()


@pytest.mark.parametrize("log", LOGS)
def test_same_incident_with_its_objects(
    recorded_cluster: KubeCluster, broker: Broker, tmp_path: Path, log: str
) -> None:
    """Equal in every field that is not about where it was read."""
    lines, namespace = lines_of_log(log), f"argo-{log}"
    topics = Topics(broker.address())
    topic = topics.create(1, settings=KEPT)
    play(topics, topic, lines)
    kafka = {"kafka": kafka_settings(broker, topic, origin={"cluster": "test"})}
    with closing(Kubelet(*recorded_cluster.authority.issue("kubelet"))) as kubelet:
        add_pod(recorded_cluster, kubelet, namespace, POD)
        print_lines(kubelet, namespace, POD, lines)
        by_pod_logs = _watched(tmp_path / "pods", recorded_cluster, {"kubernetes": {"namespaces": [namespace]}})
    by_kafka = _watched(tmp_path / "kafka", recorded_cluster, {"kubernetes": {"pod_logs": False}, **kafka})
    replayed = _replayed(log, _dump(recorded_cluster, tmp_path / "objects"))

    assert 21 == replayed[0]["victims"][0]["drift"]["desired"]
    assert replayed[0]["cause"]["relations"]
    # The pod-log API says where the controller runs, the lines themselves do not.
    by_pod_logs = json.loads(json.dumps(by_pod_logs).replace(f"-n {namespace} ", "-n argo-rollouts "))
    for incident in by_pod_logs:
        incident["controller"]["namespace"] = None
    assert replayed == by_kafka
    assert replayed == by_pod_logs
