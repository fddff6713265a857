"""`whystuck watch --record` against a real API server, and `whystuck replay` of what was recorded."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_controllers import add_pod, print_lines
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.recorded_objects import free_replica_sets, prepare_kinds, put_recorded
from tests.servers.recordings import Recording, shift_times
from tests.servers.stored import Stored, comparable
from tests.servers.watching import COMMAND, Watching

pytestmark = pytest.mark.servers

INJECTOR = "injector-expired-with-objects"
NAMESPACE, POD = "argo-recorded", "argo-rollouts-7c9d5f6b8-h4x2m"
SEVERAL = {"record_max_bytes": 20_000, "record_files": 1_000}
"""Settings: none of these recordings has so many files."""


@pytest.fixture
def blocked_cluster(make_cluster: MakeCluster) -> Iterator[tuple[KubeCluster, Kubelet]]:
    """An injector's certificate has ended, which only the objects show; a controller that syncs all the same."""
    cluster = make_cluster()
    prepare_kinds(cluster)
    later = Recording(lines_of_log("injector-expired")).later
    put_recorded(cluster, INJECTOR, partial(shift_times, later=later))
    with closing(Kubelet(*cluster.authority.issue("kubelet"))) as kubelet:
        add_pod(cluster, kubelet, NAMESPACE, POD)
        print_lines(kubelet, NAMESPACE, POD, lines_of_log("healthy-canary"))
        yield cluster, kubelet


def _replayed(recording: Path) -> list[dict[str, Any]]:
    """What the command prints."""
    command = [*COMMAND, "replay", str(recording), "-o", "jsonl", "--fail-on", "never"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return comparable([json.loads(line) for line in done.stdout.splitlines()])


def _statuses(stored: Stored) -> list[str]:
    return [one["status"] for one in stored.incidents()] if stored.commits() else []


@pytest.mark.parametrize(
    ("name", "watch"), [("recording.jsonl", SEVERAL), ("recording.jsonl.zst", {})], ids=["many files", "one file"]
)
def test_incident_of_objects_until_it_is_over(
    blocked_cluster: tuple[KubeCluster, Kubelet], tmp_path: Path, name: str, watch: dict[str, Any]
) -> None:
    """Found, killed with kill -9, healed, ended in order: replayed on another machine without the cluster."""
    cluster, _ = blocked_cluster
    folder, url = tmp_path / "recorded", f"sqlite:///{tmp_path}/whystuck.db"
    folder.mkdir()
    recording = folder / name
    stored = Stored(url)
    arguments = ("--from", "kubernetes", "-n", NAMESPACE, "--kubeconfig", str(cluster.kubeconfig()))
    with closing(Watching(tmp_path / "daemon", {"store": {"url": url}, "watch": watch})) as daemon:
        daemon.start(*arguments, "--record", str(recording))
        daemon.until(lambda: "open" in _statuses(stored), "an incident")
        daemon.kill()
        daemon.start(*arguments, "--record", str(recording))
        daemon.until_ready()
        free_replica_sets(cluster, INJECTOR)
        daemon.until(lambda: _statuses(stored) == ["resolved"], "resolved")
        _until_decided(daemon, stored)
        assert 143 == daemon.terminate()
    (incident,) = found = stored.incidents()
    assert "tls.expired" == incident["cause"]["class"]
    assert bool(watch) == (len(list(folder.iterdir())) > 1)
    assert found == _replayed(folder)


def _until_decided(daemon: Watching, stored: Stored) -> None:
    """Wait until the last lines that were read can have none that belong to them: the daemon looks every second."""
    commits = stored.commits()
    daemon.until(lambda: stored.commits() >= commits + 4, "four more commits")


@pytest.mark.parametrize("source", ["kubernetes", "kafka"])
@pytest.mark.parametrize("scenario", ["seed-emissary-expired", "emissary-500"])
def test_lines_of_a_source(
    cluster: KubeCluster, kubelet: Kubelet, broker: Broker, tmp_path: Path, scenario: str, source: str
) -> None:
    """As the pod-log API gives them, beside the objects that there are, and as Kafka does."""
    namespace, lines = f"recorded-{scenario}-{source}", lines_of_log(scenario)
    recording, url = tmp_path / "recording.jsonl.gz", f"sqlite:///{tmp_path}/whystuck.db"
    settings: dict[str, Any] = {"store": {"url": url}, "watch": {"record": str(recording)}}
    if source == "kubernetes":
        add_pod(cluster, kubelet, namespace, POD)
        print_lines(kubelet, namespace, POD, lines)
        settings["kubernetes"] = {"namespaces": [namespace]}
    else:
        topics = Topics(broker.address())
        topic = topics.create(1, settings=KEPT)
        play(topics, topic, lines)
        settings["kafka"] = kafka_settings(broker, topic, origin={"cluster": "test"})
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        daemon.start("--once", environment={"KUBECONFIG": str(cluster.kubeconfig())})
        assert daemon.wait() == 0, daemon.printed()
    found = Stored(url).incidents()
    assert found
    assert found == _replayed(recording)
