"""The seed incident on a real API server, which calls a conversion webhook whose certificate has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.servers.api_ext import HOST, NAMESPACE, PRIVATE, SECRET, ApiExt, hours_ago
from tests.servers.injector import Injector
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_controllers import add_pod, print_lines
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.live_watching import watching
from tests.servers.playing import lines_of_log
from tests.servers.recorded_objects import free_replica_sets, heal_rollout, prepare_kinds, put_recorded
from tests.servers.recordings import Recording, in_words_of_here, shift_times

pytestmark = pytest.mark.servers

POD = "argo-rollouts-7c9d5f6b8-h4x2m"
"""That of the recording."""
ADDRESSES = ("127.96.0.77", "127.96.0.78")
"""Of the Services' range: where the webhooks listen."""
INJECTOR = "injector-expired-with-objects"


class Scene:
    """A cluster that knows Rollouts and has a conversion webhook, and a kubelet for controllers' pods."""

    def __init__(self, cluster: KubeCluster) -> None:
        self.cluster = cluster
        self.api_ext = ApiExt(cluster, ADDRESSES[0])
        self.kubelet = Kubelet(*cluster.authority.issue("kubelet"))
        prepare_kinds(cluster)

    def close(self) -> None:
        """End what the test itself runs."""
        self.api_ext.close()
        self.kubelet.close()


@pytest.fixture(scope="module")
def scene(make_cluster: MakeCluster) -> Iterator[Scene]:
    """One for all, as nothing in it is about one Rollout alone."""
    with closing(Scene(make_cluster())) as made:
        yield made


def test_expired_certificate_until_it_is_replaced(scene: Scene, tmp_path: Path) -> None:
    """The incident with the numbers of its objects, told once; the certificate is replaced: resolved, told once."""
    recording = Recording(lines_of_log("seed-emissary-expired"))
    later = recording.later
    put_recorded(scene.cluster, "seed-emissary-with-objects", partial(shift_times, later=later))
    add_pod(scene.cluster, scene.kubelet, "argo-seed", POD)
    scene.api_ext.add_mapping("production", "api-production-api")

    scene.api_ext.expire(hours_ago(4.2))
    failure = scene.api_ext.read_mapping("production", "api-production-api")
    assert failure is not None
    assert scene.api_ext.read_mapping("production", "api-production-api", "v2") is None  # as it is stored
    assert f'Post "https://{HOST}:{scene.api_ext.server.port}/webhooks/crd-convert?timeout=30s": tls: ' in failure
    print_lines(scene.kubelet, "argo-seed", POD, recording.failing(failure, later))
    with watching(scene.cluster, "argo-seed", tmp_path, secrets=[NAMESPACE]) as watched:
        watched.until(lambda one: _retries(one) == 371, "371 retries")
        watched.until_checked(_assert_is_seed)
        watched.until(lambda one: _last_link(one) == f"Secret {NAMESPACE}/{SECRET}", "the Secret is read")
        watched.until_told()
        watched.die()
        print_lines(scene.kubelet, "argo-seed", POD, recording.attempt(failure))
        watched.until(lambda one: _retries(one) == 372, "one more attempt")

        scene.api_ext.renew()
        assert scene.api_ext.read_mapping("production", "api-production-api") is None
        heal_rollout(scene.cluster, "seed-emissary-with-objects")
        print_lines(scene.kubelet, "argo-seed", POD, recording.healed())
        incident = watched.until_resolved()
        _assert_is_seed(incident)  # its numbers are those of the trouble
        assert incident["victims"][0]["recovered_at"] == incident["resolved_at"]
        assert ["opened", "resolved"] == watched.told()
        watched.assert_replayed()
        watched.assert_nowhere(PRIVATE)


def _last_link(incident: dict[str, Any]) -> object:
    return incident["cause"]["relations"][-1]["to"]


def _retries(incident: dict[str, Any]) -> object:
    return incident["victims"][0]["retries"]


def _assert_is_seed(incident: dict[str, Any]) -> None:
    cause, (victim,) = incident["cause"], incident["victims"]
    assert ("tls.expired", True, "own_error") == (cause["class"], cause["established"], cause["basis"])
    assert ("Service", "emissary-system", "emissary-apiext") == _named(cause["culprit"])
    assert ("production", "api-production-api") == (victim["namespace"], victim["name"])
    _assert_has_numbers_and_relations(incident, "production/api-production-api")


def _assert_has_numbers_and_relations(incident: dict[str, Any], key: str) -> None:
    """Those of the recordings."""
    numbers = {"desired": 21, "available": 16, "hpa_desired": 21, "stable_replica_set": 24, "canary_replica_set": 3}
    assert numbers.items() <= incident["victims"][0]["drift"].items()
    relations = incident["cause"]["relations"]
    assert [
        f"HorizontalPodAutoscaler {key}",
        f"Rollout {key}",
        f"Mapping {key}",
        "CustomResourceDefinition mappings.getambassador.io",
    ] == [one["from"] for one in relations[:4]]
    assert "Service emissary-system/emissary-apiext" == relations[3]["to"]


def _named(culprit: dict[str, str]) -> tuple[str, str, str]:
    return culprit["kind"], culprit["namespace"], culprit["name"]


def test_service_that_only_the_objects_name(scene: Scene, tmp_path: Path) -> None:
    """The webhook answers with status 500: the error names neither URL nor Service, the CRD does."""
    recording = Recording(lines_of_log("emissary-500"))
    later = recording.later
    put_recorded(scene.cluster, "emissary-500-with-objects", partial(shift_times, later=later))
    add_pod(scene.cluster, scene.kubelet, "argo-relation", POD)
    scene.api_ext.add_mapping("crm", "lead-scoring")

    scene.api_ext.server.failure = (500, b"upstream failure\n")
    failure = scene.api_ext.read_mapping("crm", "lead-scoring")
    assert failure is not None
    assert "emissary-apiext" not in failure
    print_lines(scene.kubelet, "argo-relation", POD, recording.failing(failure, later))
    with watching(scene.cluster, "argo-relation", tmp_path) as watched:
        watched.until(lambda one: _retries(one) == 25, "25 retries")
        watched.until_checked(_assert_is_established_by_relation)
        watched.until_told()

        scene.api_ext.server.failure = None
        assert scene.api_ext.read_mapping("crm", "lead-scoring") is None
        print_lines(scene.kubelet, "argo-relation", POD, recording.healed())
        watched.until_resolved()
        assert ["opened", "resolved"] == watched.told()
        watched.assert_replayed()


def _assert_is_established_by_relation(incident: dict[str, Any]) -> None:
    cause = incident["cause"]
    assert ("webhook.conversion_failed", True, "relation") == (cause["class"], cause["established"], cause["basis"])
    assert ("Service", "emissary-system", "emissary-apiext") == _named(cause["culprit"])
    _assert_has_numbers_and_relations(incident, "crm/lead-scoring")


def test_pods_that_an_injector_stops(scene: Scene, tmp_path: Path) -> None:
    """The second road: the ReplicaSet controller cannot create pods, the rollouts controller is nearly silent."""
    recording = Recording(lines_of_log("injector-expired"))
    later = recording.later
    with closing(Injector(scene.cluster, ADDRESSES[1], "checkout")) as injector:
        injector.expire(hours_ago(3.5))
        failure = injector.create_pod("basket-b787df549-x2x4x")
        assert failure is not None
        put_recorded(scene.cluster, INJECTOR, lambda text: in_words_of_here(shift_times(text, later), failure))
        add_pod(scene.cluster, scene.kubelet, "argo-injector", POD)
        print_lines(scene.kubelet, "argo-injector", POD, recording.failing(failure, later))
        with watching(scene.cluster, "argo-injector", tmp_path) as watched:
            watched.until_checked(_assert_is_injector)
            watched.until_told()

            injector.renew()
            assert injector.create_pod("basket-b787df549-x2x4x") is None
            free_replica_sets(scene.cluster, INJECTOR)
            watched.until_resolved()
            assert ["opened", "resolved"] == watched.told()
            watched.assert_replayed()


def _assert_is_injector(incident: dict[str, Any]) -> None:
    cause, (victim,) = incident["cause"], incident["victims"]
    assert ("tls.expired", True) == (cause["class"], cause["established"])
    assert ("Service", "istio-system", "istiod") == _named(cause["culprit"])
    assert ("checkout", "basket") == (victim["namespace"], victim["name"])
    assert {"desired": 21, "available": 16, "hpa_desired": 21, "pods": 16}.items() <= victim["drift"].items()
    links = [one["from"] for one in cause["relations"]]
    assert ["HorizontalPodAutoscaler checkout/basket", "Rollout checkout/basket"] == links[:2]
    assert ["MutatingWebhookConfiguration istio-sidecar-injector"] == links[3:]
