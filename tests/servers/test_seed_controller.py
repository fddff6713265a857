"""The seed incident with the real controllers: Argo Rollouts and kube-controller-manager, on a real API server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.servers.api_ext import ApiExt, hours_ago
from tests.servers.controllers import NAMESPACE
from tests.servers.injector import Injector
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.live_watching import watching
from tests.servers.rollout_life import NAME, SECONDS, Life

pytestmark = pytest.mark.long

CANARY = {
    "maxSurge": "25%",
    "maxUnavailable": 0,
    "canaryService": f"{NAME}-canary",
    "stableService": NAME,
    "trafficRouting": {"ambassador": {"mappings": [NAME]}},
    "steps": [{"setWeight": 10}, {"pause": {}}],
}


@pytest.fixture(params=["1.7.1", "1.9.1"])
def version(request: pytest.FixtureRequest) -> str:
    """The releases that print a failed sync in different lines."""
    return str(request.param)


@pytest.fixture
def life(make_cluster: MakeCluster, version: str) -> Iterator[Life]:
    """All of it, with a controller of a release."""
    with closing(Life(make_cluster(), version)) as made:
        yield made


def test_conversion_breaks_and_is_repaired(life: Life, tmp_path: Path) -> None:
    """The numbers of the seed: wanted 21, available 16, and 24 pods of the stable ReplicaSet."""
    with closing(ApiExt(life.cluster, "127.96.0.79")) as api_ext:
        api_ext.add_mapping(life.namespace, NAME)
        life.add_service(NAME)
        life.add_service(f"{NAME}-canary")
        life.deploy("v311", CANARY, replicas=14)
        life.until_available(14)
        with watching(life.cluster, NAMESPACE, tmp_path) as watched:
            life.deploy("v312", CANARY)
            life.until_available(16)  # 14, and 2 of the canary: paused at 10 %
            life.controllers.holds_pods = True
            life.scale(24)
            life.until(lambda: life.replica_sets() == [24, 3], "scaled to 24 and 3")
            api_ext.expire(hours_ago(3.2))
            broken_at = time.monotonic()
            life.controllers.holds_pods = False
            life.scale(21)

            incident = watched.until(lambda one: _drift(one).get("desired") == 21, "an incident", SECONDS)
            opened_after = _since(broken_at)
            assert ("emissary-system", "emissary-apiext", "tls.expired") == _culprit(incident)
            numbers = {"available": 16, "hpa_desired": 21, "stable_replica_set": 24, "canary_replica_set": 3}
            assert numbers.items() <= _drift(incident).items()
            assert ("Rollout production/api-production-api", "Mapping production/api-production-api") in _links(
                incident
            )
            watched.until(lambda one: one["victims"][0]["retries"] >= 20, "20 retries", SECONDS)
            watched.die()

            api_ext.renew()
            repaired_at = time.monotonic()
            assert numbers.items() <= _drift(watched.until_resolved()).items()  # those of the trouble
            _tell("conversion", opened_after, _since(repaired_at))
            life.until_available(24)  # 21, and 3 of the canary
            assert ["opened", "resolved"] == watched.told()
            watched.assert_replayed()


def test_injector_breaks_and_is_repaired(life: Life, tmp_path: Path) -> None:
    """The ReplicaSet controller cannot create the pods that the autoscaler wants, and later can."""
    with closing(Injector(life.cluster, "127.96.0.80", life.namespace)) as injector:
        canary = {"maxSurge": "25%", "maxUnavailable": 0}
        life.deploy("v311", canary, replicas=16)
        life.until_available(16)
        with watching(life.cluster, NAMESPACE, tmp_path) as watched:
            injector.expire(hours_ago(3.2))
            broken_at = time.monotonic()
            life.scale(21)

            incident = watched.until(lambda one: _drift(one).get("desired") == 21, "an incident", SECONDS)
            opened_after = _since(broken_at)
            assert ("istio-system", "istiod", "tls.expired") == _culprit(incident)
            numbers = {"available": 16, "hpa_desired": 21, "pods": 16}
            assert numbers.items() <= _drift(incident).items()
            assert ("MutatingWebhookConfiguration istio-sidecar-injector", "Service istio-system/istiod") in _links(
                incident
            )

            injector.renew()
            repaired_at = time.monotonic()
            life.until_available(21)
            freed_after = _since(repaired_at)
            assert numbers.items() <= _drift(watched.until_resolved()).items()  # those of the trouble
            _tell(f"injector, pods made {freed_after:.0f} s after the repair", opened_after, _since(repaired_at))
            assert ["opened", "resolved"] == watched.told()
            watched.assert_replayed()


def _since(at: float) -> float:
    return time.monotonic() - at


def _tell(what: str, opened_after: float, resolved_after: float) -> None:
    """For the pages of docs: what was measured (pytest -s)."""
    print(f"{what}: incident {opened_after:.0f} s after the break, over {resolved_after:.0f} s after the repair")


def _drift(incident: dict[str, Any]) -> dict[str, int]:
    return incident["victims"][0]["drift"] or {}


def _culprit(incident: dict[str, Any]) -> tuple[str, str, str]:
    culprit = incident["cause"]["culprit"]
    return culprit["namespace"], culprit["name"], incident["cause"]["class"]


def _links(incident: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["from"], one["to"]) for one in incident["cause"]["relations"]]
