"""What a watch sees change is told with its time; what comes and goes all day is not."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from parsers.facts.admission import (
    CrdFacts,
    LabelSelector,
    PolicyFacts,
    WebhookConfigurationFacts,
    WebhookFactsOfObject,
)
from parsers.facts.certificates import CertificateInfo, CertManagerCertificateFacts, SecretFacts
from parsers.facts.conditions import ConditionFacts
from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.seen import AnyFacts
from parsers.facts.services import EndpointSliceFacts, NamespaceFacts, ServiceFacts
from pipeline.engine.object_changes import changes_between
from tests.pipeline.engine.builders import at
from tests.pipeline.engine.drift_stories import hpa_facts, rollout_facts, set_facts

GUARD = ServiceRef("tools", "guard")


def certificate(begin: datetime, end: datetime) -> CertificateInfo:
    return CertificateInfo("CN=ca", "CN=ca", "ca", "1", begin, end, (), (), True, begin.isoformat(), b"")


def webhook(**fields: object) -> WebhookConfigurationFacts:
    one = WebhookFactsOfObject(name="check.guard.dev", service=GUARD)
    return WebhookConfigurationFacts(
        ref=ObjectRef("MutatingWebhookConfiguration", "", "guard"), webhooks=(msgspec.structs.replace(one, **fields),)
    )


def crd(**fields: object) -> CrdFacts:
    known = CrdFacts(
        ref=ObjectRef("CustomResourceDefinition", "", "routes.meshes.dev"),
        group="meshes.dev",
        kind="Route",
        plural="routes",
        served_versions=("v1", "v2"),
        storage_version="v1",
    )
    return msgspec.structs.replace(known, **fields)


SERVICE = ServiceFacts(ref=ObjectRef("Service", "tools", "guard"), selector={"app": "guard"}, ports=(443,))
SLICE = EndpointSliceFacts(ref=ObjectRef("EndpointSlice", "tools", "guard-x"), service="guard", ready_count=2)
LEASE = LeaseFacts(ref=ObjectRef("Lease", "argo-rollouts", "argo-rollouts-controller-lock"), holder="a")
SECRET = SecretFacts(ref=ObjectRef("Secret", "tools", "guard-tls"), certificates=(certificate(at(0), at(10)),))
MANAGED = CertManagerCertificateFacts(ref=ObjectRef("Certificate", "tools", "guard"))
NAMESPACE = NamespaceFacts(ref=ObjectRef("Namespace", "", "shop"), labels={"inject": "true"})
POLICY = PolicyFacts(ref=ObjectRef("ValidatingAdmissionPolicy", "", "signed"), generation=1)
REFUSED = (ConditionFacts("Ready", "False", "Denied"),)


def _with(facts: AnyFacts, **fields: object) -> AnyFacts:
    return msgspec.structs.replace(facts, **fields)


CHANGES: dict[str, tuple[AnyFacts, AnyFacts, str, str]] = {
    "wanted pods": (
        rollout_facts(),
        rollout_facts(desired=12),
        "rollout",
        "Rollout shop/web: wants 12 pods (before: 10)",
    ),
    "a new pod template": (
        rollout_facts(),
        rollout_facts(current_hash="b"),
        "rollout",
        "Rollout shop/web: gets a new pod template, b (before: 6d9f8c7)",
    ),
    "an abort": (rollout_facts(), rollout_facts(is_aborted=True), "rollout", "Rollout shop/web: is aborted"),
    "a pause": (rollout_facts(), rollout_facts(is_paused=True), "rollout", "Rollout shop/web: is paused"),
    "a ReplicaSet is scaled": (
        set_facts(3),
        set_facts(0),
        "rollout",
        "ReplicaSet shop/web-6d9f8c7: wants 0 pods (before: 3)",
    ),
    "an HPA": (
        hpa_facts(3),
        hpa_facts(21),
        "autoscaler",
        "HorizontalPodAutoscaler shop/web: wants 21 pods (before: 3)",
    ),
    "a caBundle": (
        webhook(),
        webhook(ca_bundle=(certificate(at(0), at(60)),)),
        "webhook",
        (
            "MutatingWebhookConfiguration guard: webhook check.guard.dev is changed: its caBundle, valid from "
            "2026-03-01 12:00:00Z to 2026-03-01 12:01:00Z"
        ),
    ),
    "the Service of a webhook, and its policy": (
        webhook(),
        webhook(service=ServiceRef("tools", "other"), failure_policy="Ignore"),
        "webhook",
        (
            "MutatingWebhookConfiguration guard: webhook check.guard.dev is changed: it calls tools/other:443 (before: "
            "tools/guard:443), failurePolicy Ignore (before: Fail)"
        ),
    ),
    "the selectors of a webhook": (
        webhook(),
        webhook(namespace_selector=LabelSelector({"a": "b"})),
        "webhook",
        "MutatingWebhookConfiguration guard: webhook check.guard.dev is changed: its selectors",
    ),
    "a webhook comes": (
        WebhookConfigurationFacts(ref=webhook().ref),
        webhook(),
        "webhook",
        "MutatingWebhookConfiguration guard: webhook check.guard.dev is added",
    ),
    "a webhook goes": (
        webhook(),
        WebhookConfigurationFacts(ref=webhook().ref),
        "webhook",
        "MutatingWebhookConfiguration guard: webhook check.guard.dev is removed",
    ),
    "a conversion": (
        crd(),
        crd(conversion=GUARD),
        "crd",
        "CustomResourceDefinition routes.meshes.dev: it is converted by tools/guard:443 (before: nobody)",
    ),
    "versions that are served": (
        crd(),
        crd(served_versions=("v2",)),
        "crd",
        "CustomResourceDefinition routes.meshes.dev: serves v2 (before: v1, v2)",
    ),
    "the certificate of a Secret": (
        SECRET,
        _with(SECRET, certificates=(certificate(at(0), at(20)),)),
        "certificate",
        "Secret tools/guard-tls: holds another certificate, valid from 2026-03-01 12:00:00Z to 2026-03-01 12:00:20Z",
    ),
    "a Certificate that is refused": (
        MANAGED,
        _with(MANAGED, conditions=REFUSED),
        "certificate",
        "Certificate tools/guard: is not ready: Denied",
    ),
    "a Certificate that is ready again": (
        _with(MANAGED, conditions=REFUSED),
        MANAGED,
        "certificate",
        "Certificate tools/guard: is ready again",
    ),
    "a selector": (
        SERVICE,
        _with(SERVICE, selector={"app": "guard", "tier": "b"}),
        "service",
        "Service tools/guard: its selector is changed (tier)",
    ),
    "ports": (
        SERVICE,
        _with(SERVICE, ports=(8443,)),
        "service",
        "Service tools/guard: its ports are 8443 (before: 443)",
    ),
    "the last endpoint goes": (
        SLICE,
        _with(SLICE, ready_count=0),
        "service",
        "EndpointSlice tools/guard-x: no endpoint of guard is ready any more (before: 2)",
    ),
    "a first endpoint comes": (
        _with(SLICE, ready_count=0),
        SLICE,
        "service",
        "EndpointSlice tools/guard-x: endpoints of guard are ready again: 2",
    ),
    "another leader": (
        LEASE,
        _with(LEASE, holder="b"),
        "lease",
        "Lease argo-rollouts/argo-rollouts-controller-lock: is held by b (before: a)",
    ),
    "labels of a namespace": (
        NAMESPACE,
        _with(NAMESPACE, labels={}),
        "webhook",
        "Namespace shop: its labels are changed (inject)",
    ),
    "an admission policy": (
        POLICY,
        _with(POLICY, generation=2),
        "webhook",
        "ValidatingAdmissionPolicy signed: its spec is changed, generation 2 (before: 1)",
    ),
}


@pytest.mark.parametrize(("before", "after", "category", "what"), CHANGES.values(), ids=CHANGES)
def test_change_is_told(before: AnyFacts, after: AnyFacts, category: str, what: str) -> None:
    """When it was seen, with what was before."""
    assert [(at(5), what, category)] == [
        (one.at, one.what, one.category) for one in changes_between(before, after, at(5))
    ]


NO_NEWS: dict[str, tuple[AnyFacts, AnyFacts]] = {
    "pods come and go": (rollout_facts(), rollout_facts(available=3, current=5)),
    "pods of a ReplicaSet": (set_facts(3), set_facts(3, available=1)),
    "one endpoint of two": (SLICE, _with(SLICE, ready_count=1)),
    "a lease is renewed": (LEASE, _with(LEASE, renewed_at=at(1))),
    "a number that was not known": (rollout_facts(desired=None), rollout_facts()),
    "an object of another kind": (SERVICE, SLICE),
}


@pytest.mark.parametrize(("before", "after"), NO_NEWS.values(), ids=NO_NEWS)
def test_no_change_is_told(before: AnyFacts, after: AnyFacts) -> None:
    """What happens all day."""
    assert [] == changes_between(before, after, at(5))
