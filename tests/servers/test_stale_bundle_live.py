"""A webhook's authority is renewed and the CRD goes on trusting the old one, on a real API server that calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_rbac import rules_in
from tests.servers.api_ext import NAMESPACE, PRIVATE, SECRET, ApiExt, hours_ago
from tests.servers.kube_controllers import add_pod, print_lines
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.live_watching import watching
from tests.servers.rollout_kind import install_rollouts
from tests.servers.sync_lines import failing, healthy_pass

pytestmark = pytest.mark.servers

CONTROLLERS, POD = "argo-stale", "argo-rollouts-7c9d5f6b8-h4x2m"
KEY = "stale/cart"
GET_SECRET = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [SECRET], "verbs": ["get"]}
SECONDS = 240.0
"""A Secret is read again within a minute after its Service was accused."""


class Scene:
    """A Rollout whose Mapping a webhook converts, and which syncs."""

    def __init__(self, make_cluster: MakeCluster) -> None:
        self.cluster = make_cluster()
        self.api_ext = ApiExt(self.cluster, "127.96.0.82")
        self.kubelet = Kubelet(*self.cluster.authority.issue("kubelet"))
        install_rollouts(self.cluster)
        self.api_ext.add_mapping(*KEY.split("/"))
        add_pod(self.cluster, self.kubelet, CONTROLLERS, POD)
        self.print(*healthy_pass(KEY, datetime.now(UTC) - timedelta(minutes=4)))

    def close(self) -> None:
        """End what the test itself runs."""
        self.api_ext.close()
        self.kubelet.close()

    def print(self, *lines: bytes) -> None:
        """As the controller."""
        print_lines(self.kubelet, CONTROLLERS, POD, lines)

    def kubeconfig(self, name: str, *rules: dict[str, list[str]]) -> Path:
        """Of an account with the rights of the manifest, and these."""
        token = self.cluster.add_account("default", name, [*rules_in("cluster.yaml"), *rules])
        return self.cluster.kubeconfig(token, name=name)


@pytest.fixture
def scene(make_cluster: MakeCluster) -> Iterator[Scene]:
    """With everything working."""
    with closing(Scene(make_cluster)) as made:
        yield made


def test_authority_that_the_crd_does_not_follow(scene: Scene, tmp_path: Path) -> None:
    """It is told where the one Secret may be read; else that the certificate is not trusted, which is true as well."""
    knows, guesses = scene.kubeconfig("knows", GET_SECRET), scene.kubeconfig("guesses")
    allowed = {"secrets": [NAMESPACE]}
    with (
        watching(scene.cluster, CONTROLLERS, tmp_path / "knows", knows, **allowed) as knowing,
        watching(scene.cluster, CONTROLLERS, tmp_path / "guesses", guesses, **allowed) as guessing,
    ):
        for watched in (knowing, guessing):
            watched.daemon.until_ready()
            watched.until_lines(1)
        scene.api_ext.rotate(hours_ago(2))
        failure = scene.api_ext.read_mapping(*KEY.split("/"))
        assert failure is not None
        assert "certificate signed by unknown authority" in failure
        scene.print(*failing({KEY: failure}, datetime.now(UTC), 120))

        knowing.until(lambda one: "stale_ca_bundle" in _findings(one), "the caBundle is stale", SECONDS)
        weaker = guessing.until(lambda one: one["cause"]["established"], "an incident")
        assert ("tls.unknown_authority", []) == (weaker["cause"]["class"], _findings(weaker))
        assert f"secrets {SECRET} may not be read in namespace {NAMESPACE}" in guessing.daemon.printed()

        scene.api_ext.inject()
        scene.api_ext.until_converted(*KEY.split("/"))
        scene.print(*healthy_pass(KEY, datetime.now(UTC)))
        for watched in (knowing, guessing):
            watched.until_resolved()
            assert ["opened", "resolved"] == watched.told()
            watched.assert_replayed()
            watched.assert_nowhere(PRIVATE)


def _findings(incident: dict[str, Any]) -> list[str]:
    return [one["finding"] for one in incident["cause"]["findings"]]
