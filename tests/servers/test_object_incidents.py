"""Incidents that only the objects of a real API server tell of, through the daemon and its store."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest

from parsers.records import Origin
from pipeline.cluster.connection import KubeCluster as Connection
from pipeline.cluster.settings import ClusterSettings
from pipeline.daemon.watch import Loaded, Watch
from pipeline.engine.incidents import Incident
from pipeline.sources.objects.cluster_api import ClusterObjectApi
from pipeline.sources.objects.source import ObjectSource
from tests.parsers.certificate_samples import certificate_pem
from tests.pipeline.daemon.memory_source import MemorySource, Record
from tests.pipeline.daemon.running import FAST, configuration, run, stored
from tests.scenarios.scenarios import SCENARIOS, built_in_rules
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.recorded_objects import free_replica_sets, prepare_kinds, put_recorded, recorded_items
from tests.servers.rollout_kind import install_kind

pytestmark = pytest.mark.servers

INJECTOR, SEED = "injector-expired-with-objects", "seed-emissary-with-objects"
PROVIDER = 'Post "https://prometheus.monitoring.svc:9090/api/v1/query": dial tcp: lookup prometheus: no such host'
NAMED = "emissary-ingress-webhook-ca"


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


KEY_CANARY = base64.b64encode(
    b"-----BEGIN PRIVATE KEY-----\ncanary-0123456789abcdef\n-----END PRIVATE KEY-----"
).decode()


def _put_secret(cluster: KubeCluster) -> None:
    """What Emissary would hold had its certificate been renewed months ago; and one that nobody names."""
    renewed = certificate_pem("renewed", "emissary-apiext.emissary-system.svc")
    data = {"tls.crt": base64.b64encode(renewed).decode(), "tls.key": KEY_CANARY}
    cluster.add_namespace("emissary-system")
    for name in (NAMED, "database"):
        path = f"/api/v1/namespaces/emissary-system/secrets/{name}"
        metadata = {"name": name, "namespace": "emissary-system"}
        cluster.apply(path, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


def _put_analysis(cluster: KubeCluster) -> None:
    """An AnalysisRun of the stuck Rollout that could not ask its provider, minutes before the trouble."""
    install_kind(cluster, "AnalysisRun")
    path = "/apis/argoproj.io/v1alpha1/namespaces/production/analysisruns"
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "api-production-api", "uid": "1"}
    metadata = {"name": "api-2-1", "namespace": "production", "ownerReferences": [{**owner, "controller": True}]}
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": metadata, "spec": {}}
    cluster.call("POST", path, kind)
    measured = {"phase": "Error", "message": PROVIDER}
    metric = {"name": "success-rate", "phase": "Error", "measurements": [measured], "message": PROVIDER}
    status = {"phase": "Error", "metricResults": [metric], "completedAt": "2026-11-23T15:50:00Z"}
    cluster.set_status(f"{path}/api-2-1", status)


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


@pytest.fixture(scope="module")
def seed_cluster(make_cluster: MakeCluster) -> KubeCluster:
    """The objects of the seed incident, with the Secret of its webhook."""
    cluster = make_cluster()
    prepare_kinds(cluster)
    put_recorded(cluster, SEED)
    _put_conversion(cluster)
    _put_secret(cluster)
    _put_analysis(cluster)
    return cluster


def _broken(lines: list[bytes]) -> list[bytes]:
    """The recording up to the repair: its last failure."""
    last = max(number for number, line in enumerate(lines) if b"queue retries: 371" in line)
    return lines[: last + 2]


def _seed(
    cluster: KubeCluster, store: Path, *, kubeconfig: Path | None = None, secrets: tuple[str, ...] = ()
) -> Incident:
    """Lines of the recording, objects of the API server."""
    lines = (SCENARIOS / "seed-emissary-expired" / "controller.log").read_bytes().splitlines()
    connection = Connection(ClusterSettings(kubeconfig=str(kubeconfig or cluster.kubeconfig())))
    partitions = {"log": [Record(line, Origin(source="log", cluster="prod")) for line in _broken(lines)]}
    objects = ObjectSource("objects", ClusterObjectApi(connection), "prod", secrets=secrets)
    recorded = msgspec.structs.replace(FAST, record=str(store.with_name("recording.jsonl")))
    loaded = Loaded(configuration(store, recorded), built_in_rules())
    Watch(loaded, [MemorySource(partitions, 5_000), objects], "test", ends_when_caught_up=True).run()
    (incident,) = stored(store)
    return incident


def test_seed_incident_has_the_numbers_of_its_objects(seed_cluster: KubeCluster, tmp_path: Path) -> None:
    """Lines of the recording, objects of the API server."""
    incident = _seed(seed_cluster, tmp_path / "store.db")

    assert ("tls.expired", "open") == (incident.cause.failure_class, incident.status)
    assert incident.cause.culprit is not None
    assert ("emissary-system", "emissary-apiext") == (incident.cause.culprit.namespace, incident.cause.culprit.name)
    (victim,) = incident.victims
    numbers = {"desired": 21, "available": 16, "hpa_desired": 21, "stable_replica_set": 24, "canary_replica_set": 3}
    assert victim.drift is not None
    assert numbers.items() <= victim.drift.items()
    assert ["expired"] == [finding.finding for finding in incident.cause.findings]
    (verdict,) = [entry.what for entry in incident.timeline if entry.category == "analysis"]
    owner = "AnalysisRun production/api-2-1 of Rollout production/api-production-api"
    assert f"{owner} ends as Error: a Rollout is aborted by it: {PROVIDER}" == verdict


def test_secret_by_name_shows_what_is_wrong_with_the_certificate(
    seed_cluster: KubeCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With exactly the right to get this one; the key beside the certificate is nowhere."""
    store = tmp_path / "store.db"
    rules = [
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [NAMED], "verbs": ["get"]},
    ]
    token = seed_cluster.add_account("default", "reads-one-secret", rules)
    kubeconfig = seed_cluster.kubeconfig(token, name="reads-one-secret")
    incident = _seed(seed_cluster, store, kubeconfig=kubeconfig, secrets=("emissary-system",))

    finding = incident.cause.findings[0]
    assert ("stale_served_certificate", (f"Secret emissary-system/{NAMED}",)) == (finding.finding, finding.objects)
    assert not [why for why in incident.coverage.not_read if why.startswith("Secret")]
    written = (
        b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) + str(capfd.readouterr()).encode()
    )
    assert NAMED.encode() in written  # in the store and in the recording
    for canary in (KEY_CANARY.encode(), KEY_CANARY[20:40].encode(), b"canary-0123456789abcdef"):
        assert canary not in written


def test_secret_that_may_not_be_read_is_told_once(seed_cluster: KubeCluster, tmp_path: Path) -> None:
    """And its certificate is judged by the message alone."""
    rules = [
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["list", "watch"]}
    ]
    kubeconfig = seed_cluster.kubeconfig(seed_cluster.add_account("default", "no-secret", rules), name="no-secret")
    incident = _seed(seed_cluster, tmp_path / "store.db", kubeconfig=kubeconfig, secrets=("*",))

    (why,) = [why for why in incident.coverage.not_read if why.startswith("Secret")]
    assert f'resources: ["secrets"], resourceNames: ["{NAMED}"], verbs: ["get"]' in why
    assert ["expired"] == [finding.finding for finding in incident.cause.findings]
