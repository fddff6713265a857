"""Rollouts: what they want, what they have, which step they stand at, whose traffic they steer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import AnalysisVerdict, RolloutFacts, TrafficReference
from parsers.objects.reading import read_objects

STEPS = [{"setWeight": 5}, {"setCanaryScale": {"replicas": 2}}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]


def rollout(**members: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "checkout", "namespace": "shop"},
        **members,
    }


def read(**members: Any) -> RolloutFacts:
    (facts,) = read_objects(rollout(**members))
    assert isinstance(facts, RolloutFacts)
    return facts


def test_everything_that_matters_is_read() -> None:
    """Counts stand in the status and the spec; the observed generation is text there."""
    facts = read(
        metadata={
            "name": "checkout",
            "namespace": "shop",
            "generation": 7,
            "creationTimestamp": "2026-02-01T08:00:00Z",
        },
        spec={
            "replicas": 21,
            "template": {"metadata": {"labels": {"app": "checkout"}}},
            "strategy": {
                "canary": {
                    "maxSurge": "25%",
                    "maxUnavailable": 0,
                    "scaleDownDelaySeconds": 45,
                    "dynamicStableScale": True,
                    "stableService": "checkout",
                    "canaryService": "checkout-canary",
                    "steps": STEPS,
                    "trafficRouting": {"ambassador": {"mappings": ["checkout"]}},
                }
            },
        },
        status={
            "observedGeneration": "6",
            "replicas": 27,
            "availableReplicas": 16,
            "readyReplicas": 17,
            "updatedReplicas": 3,
            "HPAReplicas": 26,
            "phase": "Paused",
            "message": "CanaryPauseStep",
            "currentStepIndex": 2,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-02-01T09:00:00Z"}],
            "controllerPause": True,
            "stableRS": "5747bd94d9",
            "currentPodHash": "56bb6877d6",
            "conditions": [
                {
                    "type": "Progressing",
                    "status": "Unknown",
                    "reason": "RolloutPaused",
                    "message": "Rollout is paused",
                    "lastTransitionTime": "2026-02-01T09:00:00Z",
                }
            ],
        },
    )

    assert (
        RolloutFacts(
            ref=ObjectRef("Rollout", "shop", "checkout"),
            generation=7,
            observed_generation=6,
            created_at=datetime(2026, 2, 1, 8, tzinfo=UTC),
            desired=21,
            current=27,
            available=16,
            ready=17,
            updated=3,
            hpa_replicas=26,
            phase="Paused",
            message="CanaryPauseStep",
            is_paused=True,
            is_controller_pause=True,
            strategy="canary",
            step_index=2,
            step_count=5,
            step_weight=5,
            max_surge="25%",
            max_unavailable="0",
            scale_down_delay_seconds=45,
            has_traffic_routing=True,
            dynamic_stable_scale=True,
            canary_scale_replicas=2,
            pause_reasons=("CanaryPauseStep",),
            traffic=(TrafficReference("ambassador", "getambassador.io", "Mapping", "checkout"),),
            services=("checkout", "checkout-canary"),
            pod_labels={"app": "checkout"},
            stable_hash="5747bd94d9",
            current_hash="56bb6877d6",
            conditions=(
                ConditionFacts(
                    "Progressing", "Unknown", "RolloutPaused", "Rollout is paused", datetime(2026, 2, 1, 9, tzinfo=UTC)
                ),
            ),
            paused_at=datetime(2026, 2, 1, 9, tzinfo=UTC),
        )
        == facts
    )


@pytest.mark.parametrize(
    ("index", "weight"),
    [(0, 5), (1, 5), (2, 5), (3, 60), (4, 60), (5, 100), (None, None)],
)
def test_weight_is_that_of_the_newest_step(index: int | None, weight: int | None) -> None:
    """Behind the last step all traffic goes to the new version."""
    facts = read(spec={"strategy": {"canary": {"steps": STEPS}}}, status={"currentStepIndex": index})

    assert weight == facts.step_weight


def test_weight_is_zero_before_the_first_one() -> None:
    """A pause may come first."""
    facts = read(spec={"strategy": {"canary": {"steps": [{"pause": {}}, *STEPS]}}}, status={"currentStepIndex": 0})

    assert 0 == facts.step_weight


def test_a_rollout_without_status_says_nothing_about_it() -> None:
    """What is not there is None, never zero."""
    facts = read(spec={"strategy": {"blueGreen": {"activeService": "a", "previewService": "b"}}})

    assert (None, None, None, None) == (facts.desired, facts.available, facts.step_index, facts.step_weight)
    assert ("blueGreen", ("a", "b"), False) == (facts.strategy, facts.services, facts.is_paused)


def test_workload_of_another_kind() -> None:
    """The pods' template may stand in a Deployment."""
    facts = read(spec={"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}})

    assert ObjectRef("Deployment", "shop", "checkout") == facts.workload_ref


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        pytest.param(
            {"istio": {"virtualService": {"name": "vs"}, "destinationRule": {"name": "dr"}}},
            [("istio", "networking.istio.io", "VirtualService", "vs"),
             ("istio", "networking.istio.io", "DestinationRule", "dr")],
            id="istio",
        ),
        pytest.param(
            {"istio": {"virtualServices": [{"name": "a", "routes": ["x"]}, {"name": "b"}]}},
            [("istio", "networking.istio.io", "VirtualService", "a"),
             ("istio", "networking.istio.io", "VirtualService", "b")],
            id="istio, several",
        ),
        pytest.param(
            {"ambassador": {"mappings": ["a", "b"]}},
            [("ambassador", "getambassador.io", "Mapping", "a"), ("ambassador", "getambassador.io", "Mapping", "b")],
            id="ambassador",
        ),
        pytest.param({"smi": {}}, [("smi", "split.smi-spec.io", "TrafficSplit", "checkout")], id="smi, by default"),
        pytest.param(
            {"smi": {"trafficSplitName": "ts"}}, [("smi", "split.smi-spec.io", "TrafficSplit", "ts")], id="smi"
        ),
        pytest.param({"alb": {"ingress": "in"}}, [("alb", "networking.k8s.io", "Ingress", "in")], id="alb"),
        pytest.param(
            {"nginx": {"stableIngress": "in", "additionalStableIngresses": ["more", "in"]}},
            [("nginx", "networking.k8s.io", "Ingress", "in"), ("nginx", "networking.k8s.io", "Ingress", "more")],
            id="nginx",
        ),
        pytest.param(
            {"traefik": {"weightedTraefikServiceName": "w"}},
            [("traefik", "traefik.containo.us", "TraefikService", "w"),
             ("traefik", "traefik.io", "TraefikService", "w")],
            id="traefik, in either group",
        ),
        pytest.param(
            {"apisix": {"route": {"name": "r"}}}, [("apisix", "apisix.apache.org", "ApisixRoute", "r")], id="apisix"
        ),
        pytest.param(
            {"appMesh": {"virtualService": {"name": "v"},
                         "virtualNodeGroup": {"canaryVirtualNodeRef": {"name": "c"},
                                              "stableVirtualNodeRef": {"name": "s"}}}},
            [("appMesh", "appmesh.k8s.aws", "VirtualService", "v"), ("appMesh", "appmesh.k8s.aws", "VirtualNode", "c"),
             ("appMesh", "appmesh.k8s.aws", "VirtualNode", "s")],
            id="appMesh",
        ),
        pytest.param(
            {"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "h", "grpcRoutes": [{"name": "g"}]}}},
            [("argoproj-labs/gatewayAPI", "gateway.networking.k8s.io", "HTTPRoute", "h"),
             ("argoproj-labs/gatewayAPI", "gateway.networking.k8s.io", "GRPCRoute", "g")],
            id="Gateway API",
        ),
        pytest.param(
            {"plugins": {"acme/router": {"target": "x"}}}, [("acme/router", "", "", "")], id="a plugin nobody knows"
        ),
        pytest.param({"istio": "wrong", "nginx": None, "plugins": ["x"]}, [], id="of the wrong type"),
    ],
)  # fmt: skip
def test_traffic_routing(routing: dict[str, Any], expected: list[tuple[str, str, str, str]]) -> None:
    """Every provider names its objects in its own way."""
    facts = read(spec={"strategy": {"canary": {"trafficRouting": routing}}})

    assert [TrafficReference(*one) for one in expected] == list(facts.traffic)
    assert facts.has_traffic_routing


@pytest.mark.parametrize(
    "members",
    [
        {"spec": None, "status": []},
        {"spec": {"replicas": "many", "strategy": {"canary": {"steps": [1, None, {"setWeight": "x"}]}}}},
        {"status": {"currentStepIndex": -3, "replicas": 1e300, "availableReplicas": True, "conditions": {"a": 1}}},
        {"metadata": {"name": "checkout", "labels": [], "generation": {"x": 1}, "creationTimestamp": 7}},
        {"status": {"replicas": 10**400, "observedGeneration": "9" * 5000}},
    ],
    ids=["no objects", "spec", "status", "metadata", "numbers"],
)
def test_members_of_other_types_are_not_there(members: dict[str, Any]) -> None:
    """A document is not trusted: nothing is raised, nothing is made up."""
    facts = read(**members)

    assert (None, None) == (facts.available, facts.generation)


def test_only_annotations_for_whystuck_are_kept() -> None:
    """Others may hold anything, as a whole former manifest with its secrets."""
    annotations = {
        "whystuck/owner": "web\x1b[31m-team ",
        "whystuck/notify": False,
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "notwhystuck/owner": "x",
        7: "y",
        "whystuck/long": "a" * 10_000,
    }
    found = read(metadata={"name": "checkout", "annotations": annotations}).annotations
    assert ["whystuck/owner", "whystuck/notify", "whystuck/long"] == list(found)
    assert ("", 512) == (found["whystuck/notify"], len(found["whystuck/long"]))
    assert "\x1b" not in found["whystuck/owner"]


def test_annotations_that_are_none_are_not_there() -> None:
    assert {} == read(metadata={"name": "checkout", "annotations": ["whystuck/owner"]}).annotations


def test_verdicts_of_its_current_runs() -> None:
    """Those that do not let it go on, with the time of the abort; a run that goes well or on is left out."""
    message = 'Metric "success-rate" assessed Failed due to failed (1) > failureLimit (0)'
    facts = read(
        status={
            "abort": True,
            "abortedAt": "2026-02-01T09:00:00Z",
            "canary": {
                "currentStepAnalysisRunStatus": {"name": "checkout-2-1", "status": "Failed", "message": message},
                "currentBackgroundAnalysisRunStatus": {"name": "checkout-2", "status": "Running"},
            },
            "blueGreen": {"prePromotionAnalysisRunStatus": {"name": "pre", "status": "Inconclusive"}, "other": 1},
        }
    )
    assert (
        AnalysisVerdict("checkout-2-1", "Failed", message),
        AnalysisVerdict("pre", "Inconclusive"),
    ) == facts.verdicts
    assert (True, datetime(2026, 2, 1, 9, tzinfo=UTC)) == (facts.is_aborted, facts.aborted_at)
