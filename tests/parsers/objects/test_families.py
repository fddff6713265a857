"""Facts of every family of kinds, from small manifests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.facts.admission import LabelSelector, PolicyFacts, WebhookRule
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.certificates import CertManagerCertificateFacts
from parsers.facts.conditions import ConditionFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.seen import AnyFacts
from parsers.facts.services import EndpointSliceFacts, NamespaceFacts, ServiceFacts
from parsers.facts.traffic_objects import OtherFacts
from parsers.facts.workloads import PodFacts, ReplicaSetFacts
from parsers.objects.failing import failing_message
from parsers.objects.reading import read_objects

AT = datetime(2026, 2, 1, 9, tzinfo=UTC)
TIME = "2026-02-01T09:00:00Z"
OWNER = [{"kind": "Node", "name": "n"}, {"kind": "Rollout", "name": "checkout", "controller": True}]


def document(version: str, kind: str, name: str = "a", **members: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", **members.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **members}


def read_one(one: dict[str, Any]) -> AnyFacts:
    (facts,) = read_objects(one)
    return facts


CASES: list[tuple[str, dict[str, Any], AnyFacts]] = [
    (
        "ReplicaSet of a Rollout",
        document(
            "apps/v1",
            "ReplicaSet",
            metadata={
                "ownerReferences": OWNER,
                "creationTimestamp": TIME,
                "labels": {"rollouts-pod-template-hash": "56bb"},
                "annotations": {"rollout.argoproj.io/revision": "2", "scale-down-deadline": TIME},
            },
            spec={"replicas": 3, "template": {"metadata": {"labels": {"app": "x"}}}},
            status={
                "replicas": 0,
                "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "no"}],
            },
        ),
        ReplicaSetFacts(
            ref=ObjectRef("ReplicaSet", "shop", "a"),
            owner=ObjectRef("Rollout", "shop", "checkout"),
            template_hash="56bb",
            revision="2",
            created_at=AT,
            desired=3,
            current=0,
            ready=0,
            available=0,
            is_scaling_down_at=AT,
            pod_labels={"app": "x"},
            conditions=(ConditionFacts("ReplicaFailure", "True", "FailedCreate", "no"),),
        ),
    ),
    (
        "ReplicaSet of a manifest",
        document("apps/v1", "ReplicaSet", spec={"replicas": 3}),
        ReplicaSetFacts(ref=ObjectRef("ReplicaSet", "shop", "a"), desired=3),
    ),
    (
        "Pod that was restarted",
        document(
            "v1",
            "Pod",
            metadata={"labels": {"app": "x"}, "ownerReferences": [{"kind": "ReplicaSet", "name": "rs"}]},
            status={
                "phase": "Running",
                "startTime": "2026-02-01T08:00:00Z",
                "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [
                    {"restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                     "lastState": {"terminated": {"finishedAt": TIME}}},
                    {"restartCount": 0, "state": {"running": {"startedAt": "2026-02-01T10:00:00Z"}}},
                ],
            },
        ),
        PodFacts(
            ref=ObjectRef("Pod", "shop", "a"),
            owner=ObjectRef("ReplicaSet", "shop", "rs"),
            labels={"app": "x"},
            phase="Running",
            started_at=datetime(2026, 2, 1, 8, tzinfo=UTC),
            restarts=2,
            last_restart_at=AT,
            waiting_reasons=("CrashLoopBackOff",),
        ),
    ),
    (
        "autoscaler of v2",
        document(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            spec={"scaleTargetRef": {"kind": "Rollout", "name": "checkout"}, "minReplicas": 3, "maxReplicas": 30},
            status={"currentReplicas": 5, "desiredReplicas": 21, "lastScaleTime": TIME},
        ),
        HpaFacts(
            ref=ObjectRef("HorizontalPodAutoscaler", "shop", "a"),
            target=ObjectRef("Rollout", "shop", "checkout"),
            minimum=3,
            maximum=30,
            current=5,
            desired=21,
            last_scale_at=AT,
        ),
    ),
    (
        "autoscaler of v1: conditions in an annotation",
        document(
            "autoscaling/v1",
            "HorizontalPodAutoscaler",
            metadata={
                "annotations": {
                    "autoscaling.alpha.kubernetes.io/conditions":
                        '[{"type":"AbleToScale","status":"True","reason":"r","message":"m"}]'
                }
            },
            spec={"scaleTargetRef": {"kind": "Rollout", "name": "checkout"}},
        ),
        HpaFacts(
            ref=ObjectRef("HorizontalPodAutoscaler", "shop", "a"),
            target=ObjectRef("Rollout", "shop", "checkout"),
            conditions=(ConditionFacts("AbleToScale", "True", "r", "m"),),
        ),
    ),
    (
        "Service",
        document(
            "v1", "Service", spec={"selector": {"app": "x"}, "ports": [{"port": 443}, {}], "clusterIP": "10.0.0.9"}
        ),
        ServiceFacts(ref=ObjectRef("Service", "shop", "a"), selector={"app": "x"}, ports=(443,), cluster_ip="10.0.0.9"),
    ),
    (
        "EndpointSlice: silence means ready",
        document(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            metadata={"labels": {"kubernetes.io/service-name": "hooks"}},
            endpoints=[
                {"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": "p1"}},
                {"targetRef": {"kind": "Pod", "name": "p2"}},
                {"conditions": {"ready": False}, "targetRef": {"kind": "Node", "name": "n"}},
            ],
        ),
        EndpointSliceFacts(
            ref=ObjectRef("EndpointSlice", "shop", "a"), service="hooks", ready_count=2, not_ready_count=1,
            pods=("p1", "p2"),
        ),
    ),
    (
        "Endpoints",
        document(
            "v1", "Endpoints", subsets=[{"addresses": [{"ip": "10.0.0.1"}], "notReadyAddresses": [{}, {}]}]
        ),
        EndpointSliceFacts(ref=ObjectRef("Endpoints", "shop", "a"), service="a", ready_count=1, not_ready_count=2),
    ),
    (
        "Namespace",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"inject": "on"}},
         "status": {"phase": "Active"}},
        NamespaceFacts(ref=ObjectRef("Namespace", "", "shop"), labels={"inject": "on"}, phase="Active"),
    ),
    (
        "Certificate of cert-manager",
        document(
            "cert-manager.io/v1",
            "Certificate",
            spec={"secretName": "hooks-tls", "dnsNames": ["hooks.shop.svc"]},
            status={"notAfter": TIME, "renewalTime": TIME, "revision": 4,
                    "conditions": [{"type": "Ready", "status": "False", "reason": "Expired", "message": "expired"}]},
        ),
        CertManagerCertificateFacts(
            ref=ObjectRef("Certificate", "shop", "a"),
            secret_name="hooks-tls",
            dns_names=("hooks.shop.svc",),
            not_after=AT,
            renewal_at=AT,
            revision=4,
            conditions=(ConditionFacts("Ready", "False", "Expired", "expired"),),
        ),
    ),
    (
        "Lease",
        document(
            "coordination.k8s.io/v1",
            "Lease",
            spec={"holderIdentity": "pod_1", "renewTime": "2026-02-01T09:00:00.000000Z", "leaseTransitions": 2},
        ),
        LeaseFacts(ref=ObjectRef("Lease", "shop", "a"), holder="pod_1", renewed_at=AT, transitions=2),
    ),
    (
        "admission policy",
        document("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", metadata={"generation": 2}),
        PolicyFacts(ref=ObjectRef("ValidatingAdmissionPolicy", "shop", "a"), generation=2),
    ),
    (
        "Mapping",
        document("getambassador.io/v3alpha1", "Mapping", metadata={"generation": 2, "creationTimestamp": TIME}),
        OtherFacts(ref=ObjectRef("Mapping", "shop", "a"), group="getambassador.io", version="v3alpha1", generation=2,
                   created_at=AT),
    ),
    (
        "Event",
        document(
            "v1",
            "Event",
            involvedObject={"kind": "ReplicaSet", "namespace": "shop", "name": "rs"},
            reason="FailedCreate",
            type="Warning",
            message="Error creating: no",
            source={"component": "replicaset-controller"},
            count=17,
            firstTimestamp="2026-02-01T08:00:00Z",
            lastTimestamp=TIME,
        ),
        KubernetesEventFacts(
            ref=ObjectRef("Event", "shop", "a"),
            involved=ObjectRef("ReplicaSet", "shop", "rs"),
            reason="FailedCreate",
            type="Warning",
            message="Error creating: no",
            component="replicaset-controller",
            count=17,
            first_at=datetime(2026, 2, 1, 8, tzinfo=UTC),
            last_at=AT,
        ),
    ),
    (
        "Event of events.k8s.io",
        document(
            "events.k8s.io/v1",
            "Event",
            regarding={"kind": "Pod", "name": "p"},
            reason="Unhealthy",
            note="probe failed",
            reportingController="kubelet",
            eventTime="2026-02-01T08:00:00.000000Z",
            series={"count": 5, "lastObservedTime": "2026-02-01T09:00:00.000000Z"},
        ),
        KubernetesEventFacts(
            ref=ObjectRef("Event", "shop", "a"),
            involved=ObjectRef("Pod", "shop", "p"),
            reason="Unhealthy",
            message="probe failed",
            component="kubelet",
            count=5,
            first_at=datetime(2026, 2, 1, 8, tzinfo=UTC),
            last_at=AT,
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("one", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_facts(one: dict[str, Any], expected: AnyFacts) -> None:
    """What explains a stuck rollout is kept, under its own name."""
    assert expected == read_one(one)


def test_webhook_configuration() -> None:
    """Service or URL, rules, selectors; what is left out has the API's default."""
    facts = read_one(
        document(
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
            metadata={
                "managedFields": [
                    {"manager": "helm", "time": "2026-02-01T08:00:00Z"},
                    {"manager": "injector", "time": TIME},
                    {"manager": "x", "time": "2026-02-01T10:00:00Z", "subresource": "status"},
                ]
            },
            webhooks=[
                {
                    "name": "inject.mesh.example",
                    "clientConfig": {"service": {"name": "injector", "namespace": "mesh", "path": "/inject"}},
                    "timeoutSeconds": 10,
                    "rules": [
                        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                    ],
                    "namespaceSelector": {"matchLabels": {"inject": "on"}},
                    "objectSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]},
                },
                {"name": "url", "clientConfig": {"url": "https://user:pw@hooks.example:8443/x?token=y#z"}},
            ],
        )
    )
    injector, by_url = facts.webhooks

    assert AT == facts.changed_at
    assert ServiceRef("mesh", "injector", 443, "/inject") == injector.service
    assert ("Fail", 10) == (injector.failure_policy, injector.timeout_seconds)
    assert (WebhookRule(("",), ("v1",), ("pods",), ("CREATE",)),) == injector.rules
    assert LabelSelector({"inject": "on"}) == injector.namespace_selector
    assert LabelSelector({}, (("app", "In", ("a", "b")),)) == injector.object_selector
    assert (None, "https://hooks.example:8443/x") == (by_url.service, by_url.url)


def test_webhooks_of_v1beta1_are_ignored_when_they_fail() -> None:
    """The default was another one then."""
    facts = read_one(
        document("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", webhooks=[{"name": "w"}])
    )

    assert "Ignore" == facts.webhooks[0].failure_policy


@pytest.mark.parametrize(
    ("version", "conversion"),
    [
        ("v1", {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"namespace": "e", "name": "apiext"}}}}),
        ("v1beta1", {"strategy": "Webhook", "webhookClientConfig": {"service": {"namespace": "e", "name": "apiext"}}}),
    ],
)
def test_crd_with_conversion(version: str, conversion: dict[str, Any]) -> None:
    """Who converts stands at different places in the two versions."""
    facts = read_one(
        document(
            f"apiextensions.k8s.io/{version}",
            "CustomResourceDefinition",
            spec={
                "group": "getambassador.io",
                "names": {"kind": "Mapping", "plural": "mappings"},
                "versions": [
                    {"name": "v2", "served": True, "storage": True},
                    {"name": "v1", "served": False},
                    {"name": "v3alpha1", "served": True},
                ],
                "conversion": conversion,
            },
        )
    )

    assert ("getambassador.io", "Mapping", "mappings") == (facts.group, facts.kind, facts.plural)
    assert (("v2", "v3alpha1"), "v2") == (facts.served_versions, facts.storage_version)
    assert ServiceRef("e", "apiext") == facts.conversion
    assert "apiext.e.svc" == facts.conversion.host


def test_crd_without_conversion() -> None:
    """A service may be left behind when the strategy is None."""
    conversion = {"strategy": "None", "webhook": {"clientConfig": {"service": {"namespace": "e", "name": "apiext"}}}}
    facts = read_one(document("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec={"conversion": conversion}))

    assert facts.conversion is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ReplicaSet of a Rollout", "no"),
        ("Event", "no"),
        ("Event of events.k8s.io", ""),  # its type is not known to be Warning
        ("Certificate of cert-manager", "expired"),
        ("Service", ""),
    ],
)
def test_message_of_a_failure(name: str, message: str) -> None:
    """Warning events and bad conditions tell of failures, nothing else does."""
    facts = next(case[2] for case in CASES if case[0] == name)

    assert message == failing_message(facts)


def test_a_message_is_redacted_and_safe() -> None:
    """Events repeat what people wrote: secrets and terminal escapes do not pass."""
    facts = read_one(
        document("v1", "Event", reason="x", involvedObject={}, message="\x1b[31mtoken=abcdefghij0123456789 failed")
    )

    assert "token=[redacted] failed" == facts.message


@pytest.mark.parametrize(
    ("one", "count"),
    [
        (
            {"kind": "List", "items": [document("v1", "Pod"), {"kind": "List", "items": [document("v1", "Pod", "b")]}]},
            2,
        ),
        ({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]}, 1),
        ({"items": [document("v1", "Pod"), 7, None]}, 1),
        ({"type": "ADDED", "object": document("v1", "Pod")}, 1),
        ({"verb": "ADDED", "event": {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod"}, "reason": "r"}}, 1),
        (document("v1", "ConfigMap"), 0),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {}}, 0),
        ({"apiVersion": "example.org/v1", "kind": "Pod", "metadata": {"name": "a"}}, 0),
        ({}, 0),
    ],
    ids=["lists", "API list", "no kind", "watch", "eventrouter", "unknown kind", "no name", "other group", "empty"],
)
def test_documents_of_every_shape(one: dict[str, Any], count: int) -> None:
    """Lists in lists, lists whose items have no kind, events of watches."""
    assert count == len(list(read_objects(one)))
