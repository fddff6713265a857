"""The same lines through Kafka and a store give what a replay gives."""

from __future__ import annotations

import json
from collections.abc import Callable
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


def _replayed(lines: list[tuple[str, bytes]], folder: Path) -> list[dict[str, Any]]:
    archive = folder / "shipped.jsonl"
    archive.write_bytes(b"\n".join(line for _pod, line in lines) + b"\n")
    files = InputFiles([str(archive)])
    return comparable(replay(files, EngineSettings(), built_in_rules(), read_at=READ_AT).incidents)


def _spread(topics: Topics, lines: list[tuple[str, bytes]], partition_of: Callable[[int, str], int]) -> str:
    """A topic of four partitions with these lines."""
    topic = topics.create(4, settings=KEPT)
    for partition in range(4):
        part = [line for number, (pod, line) in enumerate(lines) if partition == partition_of(number, pod)]
        play(topics, topic, part, partition)
    return topic


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("used", [(0, 1, 2), (3, 1, 1)], ids=["one each", "two in one"])
def test_three_pods_over_four_partitions(
    broker: Broker,
    topics: Topics,
    postgresql: PostgreSQL,
    tmp_path: Path,
    kind: Kind,
    used: tuple[int, ...],
) -> None:
    """Keyed by pod, interleaved where they share a partition."""
    lines, pods = _shipped(), list(PODS)
    topic = _spread(topics, lines, lambda _number, pod: used[pods.index(pod)])
    found = _replayed(lines, tmp_path)
    assert len(found) >= 3
    store = _store(kind, tmp_path, postgresql)
    assert found == _watched(tmp_path, store, kafka_settings(broker, topic))


def _answers(incidents: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(
        (
            one["status"],
            one["cause"]["class"],
            json.dumps(one["cause"]["culprit"]),
            one["cause"]["established"],
            [(victim["kind"], victim["namespace"], victim["name"], victim["retries"]) for victim in one["victims"]],
        )
        for one in incidents
    )


def test_lines_without_keys_have_the_same_causes(broker: Broker, topics: Topics, tmp_path: Path) -> None:
    """Their order is lost between partitions, and with it the pace and which failure came first; not the answer."""
    lines = _shipped()
    topic = _spread(topics, lines, lambda number, _pod: number % 4)
    found = _watched(tmp_path, {"url": f"sqlite:///{tmp_path}/whystuck.db"}, kafka_settings(broker, topic))
    assert _answers(_replayed(lines, tmp_path)) == _answers(found)
