"""Rollouts of several namespaces behind one conversion webhook, beside one with another cause and one that is well."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.servers.api_ext import ApiExt, hours_ago
from tests.servers.kube_cluster import KubeCluster, RefusedError
from tests.servers.kube_controllers import add_pod, print_lines
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.live_watching import Watched, watching
from tests.servers.rollout_kind import install_rollouts
from tests.servers.sync_lines import failed_pass, failing, healthy_pass

pytestmark = pytest.mark.servers

CONTROLLERS, POD = "argo-many", "argo-rollouts-7c9d5f6b8-h4x2m"
BEHIND = ("many-a/cart", "many-b/search", "many-c/basket")
OTHER, HEALTHY = "many-d/invoices", "many-a/web"
QUOTA = "rollout-revisions"
SECONDS = 60.0
TROUBLE_SECONDS = 120


class Scene:
    """Rollouts whose Mappings one webhook converts, one that a quota will hold, and one that is well."""

    def __init__(self, cluster: KubeCluster) -> None:
        self.cluster = cluster
        self.api_ext = ApiExt(cluster, "127.96.0.81")
        self.kubelet = Kubelet(*cluster.authority.issue("kubelet"))
        install_rollouts(cluster)
        for key in BEHIND:
            namespace, _, name = key.partition("/")
            self.api_ext.add_mapping(namespace, name)
            self._put_rollout(key, {"trafficRouting": {"ambassador": {"mappings": [name]}}})
        for key in (OTHER, HEALTHY):
            self._put_rollout(key, {})
        add_pod(cluster, self.kubelet, CONTROLLERS, POD)

    def close(self) -> None:
        """End what the test itself runs."""
        self.api_ext.close()
        self.kubelet.close()

    def print(self, *lines: bytes) -> None:
        """As the controller."""
        print_lines(self.kubelet, CONTROLLERS, POD, lines)

    def write_too_late(self) -> str:
        """Write the Rollout that is well over somebody else's change; what the API server says."""
        path = _path(HEALTHY)
        rollout = self.cluster.call("GET", path)
        self.cluster.call("PATCH", path, {"metadata": {"labels": {"touched": "true"}}}, "application/merge-patch+json")
        return _refused(self.cluster, "PUT", path, rollout)

    def limit_revisions(self) -> str:
        """Allow no further ReplicaSets beside the other Rollout; what the API server says when one is made."""
        namespace, _, name = OTHER.partition("/")
        quota = f"/api/v1/namespaces/{namespace}/resourcequotas/{QUOTA}"
        limits = {"hard": {"count/replicasets.apps": "0"}}
        self.cluster.apply(
            quota, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": QUOTA}, "spec": limits}
        )
        self.cluster.set_status(quota, {**limits, "used": {"count/replicasets.apps": "0"}})
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app"}]}}
        replica_set = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": f"{name}-7f5c9d"},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        }
        return _refused(
            self.cluster, "POST", f"/apis/apps/v1/namespaces/{namespace}/replicasets?dryRun=All", replica_set
        )

    def _put_rollout(self, key: str, canary: Mapping[str, Any]) -> None:
        namespace, _, name = key.partition("/")
        self.cluster.add_namespace(namespace)
        kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name}}
        self.cluster.apply(_path(key), {**kind, "spec": {"replicas": 4, "strategy": {"canary": canary}}})
        self.cluster.set_status(_path(key), {"replicas": 4, "availableReplicas": 4, "observedGeneration": "1"})


def _path(key: str) -> str:
    namespace, _, name = key.partition("/")
    return f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/{name}"


def _refused(cluster: KubeCluster, method: str, path: str, body: object) -> str:
    """A quota is known to the API server a moment after it was made."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            cluster.call(method, path, body)
        except RefusedError as error:
            return error.message
        assert time.monotonic() < deadline, f"{method} {path} is allowed"
        time.sleep(0.1)


@pytest.fixture
def scene(make_cluster: MakeCluster) -> Iterator[Scene]:
    """With everything working."""
    with closing(Scene(make_cluster())) as made:
        yield made


def test_one_incident_for_the_webhook_and_one_for_the_rest(scene: Scene, tmp_path: Path) -> None:
    """Three victims of one cause, one of another, none that is well; each repaired: resolved, one message each."""
    scene.api_ext.expire(hours_ago(2.5))
    failures = [scene.api_ext.read_mapping(*key.split("/")) for key in BEHIND]
    causes = {key: failure for key, failure in zip(BEHIND, failures, strict=True) if failure is not None}
    assert 3 == len(causes)
    _print_trouble(scene, {**causes, OTHER: scene.limit_revisions()})

    with watching(scene.cluster, CONTROLLERS, tmp_path) as watched:
        webhook, quota = _by_class(watched, "open")
        assert list(BEHIND) == _victims(webhook)
        assert [OTHER] == _victims(quota)
        for incident, kind, name in ((webhook, "Service", "emissary-apiext"), (quota, "ResourceQuota", QUOTA)):
            cause = incident["cause"]
            assert (True, kind, name) == (cause["established"], cause["culprit"]["kind"], cause["culprit"]["name"])

        _assert_relations(webhook)

        scene.api_ext.renew()
        assert [None] * 3 == [scene.api_ext.read_mapping(*key.split("/")) for key in BEHIND]
        _print_passes(scene, *BEHIND)
        watched.until_all(lambda found: _status(found, "tls.expired") == "resolved", "the webhook's is over")
        assert "open" == _status(watched.incidents(), "quota")

        _print_passes(scene, OTHER)
        for incident in _by_class(watched, "resolved"):
            watched.until_told_of(incident, "resolved")
            assert ["opened", "resolved"] == watched.told_of(incident)
            assert all(victim["recovered_at"] for victim in incident["victims"])
        watched.assert_replayed()


def _assert_relations(incident: dict[str, Any]) -> None:
    """From each victim to the one Service."""
    links = [(one["from"], one["to"]) for one in incident["cause"]["relations"]]
    for key in BEHIND:
        assert (f"Rollout {key}", f"Mapping {key}") in links
    assert 1 == len([to for _, to in links if to == "Service emissary-system/emissary-apiext"])


def _print_trouble(scene: Scene, causes: Mapping[str, str]) -> None:
    """Two minutes of it, now; beside it a Rollout that fails now and then because others write it, too."""
    now = datetime.now(UTC)
    conflict = scene.write_too_late()
    began_at = now - timedelta(seconds=TROUBLE_SECONDS + 5)
    scene.print(*healthy_pass(HEALTHY, began_at))
    for seconds in (0, 40, 80):
        at = began_at + timedelta(seconds=seconds)
        scene.print(*failed_pass(HEALTHY, at, 1, conflict), *healthy_pass(HEALTHY, at + timedelta(seconds=1)))
    scene.print(*failing(causes, now, TROUBLE_SECONDS))


def _print_passes(scene: Scene, *keys: str) -> None:
    """Now, and behind them that of the Rollout that is well."""
    now = datetime.now(UTC)
    for key in (*keys, HEALTHY):
        scene.print(*healthy_pass(key, now))


def _by_class(watched: Watched, status: str) -> list[dict[str, Any]]:
    """The incidents of the webhook and of the quota, when both are there in this status, and no others."""
    found = watched.until_all(
        lambda found: all(_status(found, name) == status for name in ("tls.expired", "quota")), f"both are {status}"
    )
    assert 2 == len(found), found
    return sorted(found, key=lambda one: one["cause"]["class"] != "tls.expired")


def _status(found: list[dict[str, Any]], failure_class: str) -> str | None:
    return next((one["status"] for one in found if one["cause"]["class"] == failure_class), None)


def _victims(incident: dict[str, Any]) -> list[str]:
    return sorted(f"{victim['namespace']}/{victim['name']}" for victim in incident["victims"])
