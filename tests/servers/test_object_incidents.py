"""Incidents that only the objects of a real API server tell of, through the daemon and its store."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.records import Origin
from pipeline.cluster.connection import KubeCluster as Connection
from pipeline.cluster.settings import ClusterSettings
from pipeline.daemon.watch import Loaded, Watch
from pipeline.engine.incidents import Incident
from pipeline.sources.objects.cluster_api import ClusterObjectApi
from pipeline.sources.objects.source import ObjectSource
from tests.pipeline.daemon.memory_source import MemorySource, Record
from tests.pipeline.daemon.running import configuration, run, stored
from tests.scenarios.scenarios import SCENARIOS, built_in_rules
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.recorded_objects import free_replica_sets, prepare_kinds, put_recorded, recorded_items

pytestmark = pytest.mark.servers

INJECTOR, SEED = "injector-expired-with-objects", "seed-emissary-with-objects"


def _watched(cluster: KubeCluster, store: Path) -> list[Incident]:
    connection = Connection(ClusterSettings(kubeconfig=str(cluster.kubeconfig())))
    run(ObjectSource("objects", ClusterObjectApi(connection), "prod"), store)
    return stored(store)


def test_blocked_replica_sets_are_an_incident_until_they_are_free(make_cluster: MakeCluster, tmp_path: Path) -> None:
    """An injector's certificate has ended: tied to the Rollout by its owner reference, with the HPA's number."""
    cluster = make_cluster()
    prepare_kinds(cluster)
    put_recorded(cluster, INJECTOR)

    (incident,) = _watched(cluster, tmp_path / "store.db")
    (victim,) = incident.victims
    assert ("tls.expired", True, "open") == (incident.cause.failure_class, incident.cause.established, incident.status)
    assert victim.drift is not None
    assert {"desired", "available", "hpa_desired", "replica_sets"} <= victim.drift.keys()

    free_replica_sets(cluster, INJECTOR)
    (incident,) = _watched(cluster, tmp_path / "store.db")
    assert "resolved" == incident.status


def _put_conversion(cluster: KubeCluster) -> None:
    """The CRD of the Mappings with its conversion webhook; recorded CRDs have no schemas."""
    (crd,) = recorded_items(SEED, "customresourcedefinitions")
    for version in crd["spec"]["versions"]:
        version["schema"] = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    crd.pop("status", None)
    crd["metadata"] = {"name": crd["metadata"]["name"]}
    cluster.call(
        "POST",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        {**crd, "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"},
    )


def _broken(lines: list[bytes]) -> list[bytes]:
    """The recording up to the repair: its last failure."""
    last = max(number for number, line in enumerate(lines) if b"queue retries: 371" in line)
    return lines[: last + 2]


def test_seed_incident_has_the_numbers_of_its_objects(make_cluster: MakeCluster, tmp_path: Path) -> None:
    """Lines of the recording, objects of the API server."""
    cluster = make_cluster()
    prepare_kinds(cluster)
    put_recorded(cluster, SEED)
    _put_conversion(cluster)
    lines = (SCENARIOS / "seed-emissary-expired" / "controller.log").read_bytes().splitlines()
    connection = Connection(ClusterSettings(kubeconfig=str(cluster.kubeconfig())))
    partitions = {"log": [Record(line, Origin(source="log", cluster="prod")) for line in _broken(lines)]}
    sources = [MemorySource(partitions, 5_000), ObjectSource("objects", ClusterObjectApi(connection), "prod")]
    store = tmp_path / "store.db"
    Watch(Loaded(configuration(store), built_in_rules()), sources, "test", ends_when_caught_up=True).run()

    (incident,) = stored(store)
    assert ("tls.expired", "open") == (incident.cause.failure_class, incident.status)
    assert incident.cause.culprit is not None
    assert ("emissary-system", "emissary-apiext") == (incident.cause.culprit.namespace, incident.cause.culprit.name)
    (victim,) = incident.victims
    numbers = {"desired": 21, "available": 16, "hpa_desired": 21, "stable_replica_set": 24, "canary_replica_set": 3}
    assert victim.drift is not None
    assert numbers.items() <= victim.drift.items()
