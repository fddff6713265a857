"""The same lines through Kafka and a store give what a replay gives."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pytest

from parsers.timestamps import find_time
from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles
from tests.scenarios.scenarios import READ_AT, SCENARIOS, built_in_rules, load, replayed
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.postgresql import PostgreSQL
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")
TOLD = [
    "seed-emissary-expired",
    "emissary-expired-v1.9.1",
    "apiserver-cert-expired",
    "cause-in-another-log",
    "controller-restarted-twice",
    "injector-expired",
    "unknown-retry-lines-only",
    "healthy-canary",
    "wrapped-fluent-bit",
]
PODS = {
    "argo-rollouts-6d4cf56db6-8xk2p": "emissary-refused",
    "argo-rollouts-6d4cf56db6-q7wzn": "rbac-replicasets-create",
    "argo-rollouts-6d4cf56db6-t5m9c": "injector-expired",
}


@pytest.fixture(scope="module")
def topics(broker: Broker) -> Topics:
    return Topics(broker.address())


def _store(kind: Kind, folder: Path, postgresql: PostgreSQL) -> dict[str, Any]:
    if kind == "sqlite":
        return {"url": f"sqlite:///{folder}/whystuck.db"}
    return {"url": postgresql.new_database(), "migrate_at_start": "always"}


def _watched(folder: Path, store: dict[str, Any], kafka: dict[str, Any]) -> list[dict[str, Any]]:
    """What the daemon has stored when it has read everything."""
    with closing(Watching(folder / "daemon", {"store": store, "kafka": kafka})) as daemon:
        daemon.run_once()
    stored = Stored(store["url"])
    assert stored.gaps() == stored.quarantined() == []
    return stored.incidents()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TOLD)
def test_scenario_gives_what_a_replay_gives(
    broker: Broker, topics: Topics, postgresql: PostgreSQL, tmp_path: Path, name: str, kind: Kind
) -> None:
    """One partition for each of its logs."""
    logs = load(name).logs
    topic = topics.create(len(logs), settings=KEPT)
    for partition, log in enumerate(logs):
        play(topics, topic, (SCENARIOS / name / log).read_bytes().splitlines(), partition)
    store = _store(kind, tmp_path, postgresql)
    assert comparable(replayed(name)) == _watched(tmp_path, store, kafka_settings(broker, topic))


def _shipped() -> list[tuple[str, bytes]]:
    """The lines of three pods as a shipper sends them, each with its pod, in the order of their times."""
    lines: list[tuple[str, str, bytes]] = []
    for pod, scenario in PODS.items():
        at = ""
        for line in lines_of_log(scenario):
            found = find_time(line)
            at = found.isoformat() if found is not None else at
            kubernetes = {"pod_name": pod, "namespace_name": "argo-rollouts", "container_name": "argo-rollouts"}
            lines.append((at, pod, json.dumps({"time": at, "log": line.decode(), "kubernetes": kubernetes}).encode()))
    return [(pod, line) for _at, pod, line in sorted(lines, key=lambda one: one[0])]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_keyed", [True, False], ids=["keyed by pod", "without keys"])
def test_three_pods_over_four_partitions(
    broker: Broker, topics: Topics, postgresql: PostgreSQL, tmp_path: Path, kind: Kind, is_keyed: bool
) -> None:
    """Interleaved, in one file and in a topic."""
    lines = _shipped()
    archive = tmp_path / "shipped.jsonl"
    archive.write_bytes(b"\n".join(line for _pod, line in lines) + b"\n")
    topic = topics.create(4, settings=KEPT)
    pods = list(PODS)
    for partition in range(4):
        part = [
            line
            for number, (pod, line) in enumerate(lines)
            if partition == (pods.index(pod) if is_keyed else number % 4)
        ]
        play(topics, topic, part, partition)
    found = replay(InputFiles([str(archive)]), EngineSettings(), built_in_rules(), read_at=READ_AT).incidents
    assert len(found) >= 3
    store = _store(kind, tmp_path, postgresql)
    assert comparable(found) == _watched(tmp_path, store, kafka_settings(broker, topic))
