"""What changed before a trouble is shown as a fact, within a window, and blames nobody."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from parsers.facts.admission import CrdFacts, WebhookConfigurationFacts
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.certificates import CertificateInfo, CertManagerCertificateFacts, SecretFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts, ObjectSeen
from parsers.facts.services import EndpointSliceFacts, ServiceFacts
from parsers.facts.workloads import PodFacts, ReplicaSetFacts
from parsers.records import Origin
from pipeline.engine.inventory import Inventory
from pipeline.engine.objects import ClusterObjects
from pipeline.engine.prior_changes import MAX_CHANGES, changes_in_objects, nearest_before
from tests.pipeline.engine.builders import API, WEB, at

GUARD = ServiceRef("tools", "guard")
ROLLOUT = ObjectRef("Rollout", WEB.namespace, WEB.name)
ENDPOINTS = EndpointSliceFacts(ref=ObjectRef("EndpointSlice", "tools", "guard-x"), service="guard", pods=("guard-1",))


def _told(*facts: AnyFacts) -> list[tuple[str, str]]:
    """Category and words of what changed before the trouble of WEB, which begins at 0."""
    inventory = Inventory({one.ref: [(at(600), one)] for one in facts})
    return [
        (change.category, change.what)
        for change in nearest_before(at(0), changes_in_objects([WEB], [GUARD], inventory))
    ]


def _certificate(not_before: datetime, not_after: datetime) -> CertificateInfo:
    return CertificateInfo(
        "CN=guard", "CN=ca", "guard", "1", not_before, not_after, (GUARD.host,), (), False, "00", b""
    )


def _webhook(seconds: float) -> WebhookConfigurationFacts:
    return WebhookConfigurationFacts(
        ref=ObjectRef("MutatingWebhookConfiguration", "", "guard"), generation=4, changed_at=at(seconds)
    )


SHOWN: dict[str, tuple[tuple[AnyFacts, ...], list[tuple[str, str]]]] = {
    "the Rollout": (
        (RolloutFacts(ref=ROLLOUT, generation=7, created_at=at(-90_000), changed_at=at(-120)),),
        [("rollout", "Rollout shop/web is changed, generation 7")],
    ),
    "a new ReplicaSet": (
        (
            RolloutFacts(ref=ROLLOUT),
            ReplicaSetFacts(
                ref=ObjectRef("ReplicaSet", "shop", "web-6d4"), owner=ROLLOUT, revision="3", created_at=at(-110)
            ),
        ),
        [("rollout", "ReplicaSet shop/web-6d4 is created, revision 3")],
    ),
    "its HPA": (
        (
            RolloutFacts(ref=ROLLOUT),
            HpaFacts(
                ref=ObjectRef("HorizontalPodAutoscaler", "shop", "web"), target=ROLLOUT, desired=9, last_scale_at=at(-9)
            ),
        ),
        [("autoscaler", "HorizontalPodAutoscaler shop/web scales Rollout shop/web to 9")],
    ),
    "a webhook configuration": (
        (_webhook(-60),),
        [("webhook", "MutatingWebhookConfiguration guard is changed, generation 4")],
    ),
    "a CRD": (
        (CrdFacts(ref=ObjectRef("CRD", "", "x.y"), group="y", kind="X", plural="x", created_at=at(-5)),),
        [("crd", "CRD x.y is created")],
    ),
    "the certificate of a Service on the way": (
        (
            SecretFacts(
                ref=ObjectRef("Secret", "tools", "guard-tls"), certificates=(_certificate(at(-9_000_000), at(-7200)),)
            ),
        ),
        [("certificate", "the certificate in Secret tools/guard-tls expires")],
    ),
    "a renewal by cert-manager": (
        (
            CertManagerCertificateFacts(
                ref=ObjectRef("Certificate", "tools", "guard"), not_before=at(-80_000), not_after=at(9_000_000)
            ),
        ),
        [("certificate", "Certificate tools/guard is renewed")],
    ),
    "a pod behind a Service on the way": (
        (
            ENDPOINTS,
            PodFacts(
                ref=ObjectRef("Pod", "tools", "guard-1"), started_at=at(-90_000), restarts=3, last_restart_at=at(-30)
            ),
        ),
        [("pod", "a container of Pod tools/guard-1 restarts, 3 restarts in all")],
    ),
    "a lease": (
        (
            LeaseFacts(
                ref=ObjectRef("Lease", "argo-rollouts", "argo-rollouts-controller-lock"),
                holder="pod-2",
                acquired_at=at(-40),
            ),
        ),
        [("lease", "Lease argo-rollouts/argo-rollouts-controller-lock is taken by pod-2")],
    ),
    "a minute late, as clocks differ": (
        (_webhook(59),),
        [("webhook", "MutatingWebhookConfiguration guard is changed, generation 4")],
    ),
}


@pytest.mark.parametrize(("facts", "told"), SHOWN.values(), ids=SHOWN)
def test_change_is_shown(facts: tuple[AnyFacts, ...], told: list[tuple[str, str]]) -> None:
    """With its category and what the object says of it."""
    assert told == _told(*facts)


LEFT_OUT: dict[str, AnyFacts] = {
    "long before": _webhook(-3700),
    "after the onset": _webhook(90),
    "a Rollout that is not stuck": RolloutFacts(
        ref=ObjectRef("Rollout", API.namespace, API.name), created_at=at(-90_000), changed_at=at(-60)
    ),
    "a pod behind another Service": PodFacts(ref=ObjectRef("Pod", "tools", "other-1"), started_at=at(-60)),
    "a lease of something else": LeaseFacts(ref=ObjectRef("Lease", "kube-node-lease", "node-1"), acquired_at=at(-60)),
}


@pytest.mark.parametrize("facts", LEFT_OUT.values(), ids=LEFT_OUT)
def test_change_is_left_out(facts: AnyFacts) -> None:
    """What is of another time, or of something else."""
    assert [] == _told(ENDPOINTS, facts)


def test_changes_are_bounded_and_the_nearest_stay() -> None:
    """However much was created at once."""
    crds = [
        CrdFacts(ref=ObjectRef("CRD", "", f"x{n}.y"), group="y", kind="X", plural=f"x{n}", created_at=at(n - 100))
        for n in range(50)
    ]
    told = _told(*crds)
    assert (MAX_CHANGES, "CRD x49.y is created") == (len(told), told[-1][1])


WATCH = Origin(source="objects/all")


def _watched(*seen: tuple[float, AnyFacts, bool]) -> list[tuple[str, str]]:
    """What is told of what a watch saw: seconds, object, and whether it was deleted then."""
    objects = ClusterObjects()
    for seconds, facts, is_deleted in seen:
        objects.take(ObjectSeen(at(seconds), WATCH, 0, facts, is_deleted=is_deleted))
    changes = changes_in_objects([WEB], [GUARD], objects.inventory())
    return [(change.category, change.what) for change in nearest_before(at(0), changes)]


SET = ReplicaSetFacts(ref=ObjectRef("ReplicaSet", "shop", "web-6d4"), owner=ROLLOUT, desired=3)
SERVICE = ServiceFacts(ref=ObjectRef("Service", "tools", "guard"), ports=(443,))
GONE: dict[str, tuple[AnyFacts, list[tuple[str, str]]]] = {
    "a ReplicaSet of the Rollout": (SET, [("rollout", "ReplicaSet shop/web-6d4 is deleted")]),
    "a ReplicaSet of another one": (msgspec.structs.replace(SET, owner=None), []),
    "a Service on the way": (SERVICE, [("service", "Service tools/guard is deleted")]),
    "another Service": (ServiceFacts(ref=ObjectRef("Service", "tools", "other")), []),
    "its endpoints": (ENDPOINTS, [("service", "EndpointSlice tools/guard-x is deleted")]),
    "a webhook configuration": (
        WebhookConfigurationFacts(ref=ObjectRef("MutatingWebhookConfiguration", "", "guard")),
        [("webhook", "MutatingWebhookConfiguration guard is deleted")],
    ),
    "a CRD": (
        CrdFacts(ref=ObjectRef("CRD", "", "x.y"), group="y", kind="X", plural="x"),
        [("crd", "CRD x.y is deleted")],
    ),
    "a lease of something else": (LeaseFacts(ref=ObjectRef("Lease", "kube-node-lease", "node-1")), []),
}


@pytest.mark.parametrize(("facts", "told"), GONE.values(), ids=GONE)
def test_what_was_deleted_is_shown(facts: AnyFacts, told: list[tuple[str, str]]) -> None:
    """As a fact, where it belongs to what is stuck or stands on its way."""
    assert told == _watched((-600, RolloutFacts(ref=ROLLOUT), False), (-500, facts, False), (-60, facts, True))


def test_what_is_there_again_is_not_shown_as_gone() -> None:
    """A Service that was made anew."""
    assert [] == _watched((-500, SERVICE, False), (-60, SERVICE, True), (-50, SERVICE, False))


def test_what_a_watch_saw_change_is_shown() -> None:
    """Of objects without a time of their own, and of those that changed again since."""
    seen = [(-300 + number, msgspec.structs.replace(SERVICE, ports=(number,)), False) for number in (1, 2)]
    assert [("service", "Service tools/guard: its ports are 2 (before: 1)")] == _watched(*seen)


def test_two_snapshots_show_no_time() -> None:
    """When it changed between them nobody saw."""
    objects = ClusterObjects()
    for seconds in (-300, -100):
        facts = msgspec.structs.replace(SERVICE, ports=(int(-seconds),))
        objects.take(ObjectSeen(at(seconds), WATCH, 0, facts, latest_at=at(seconds)))
    assert [] == list(changes_in_objects([WEB], [GUARD], objects.inventory()))


def _event(reason: str, involved: ObjectRef = ROLLOUT) -> KubernetesEventFacts:
    ref = ObjectRef("Event", "shop", f"{involved.name}.{reason}")
    return KubernetesEventFacts(ref=ref, involved=involved, reason=reason, message="it was so", last_at=at(-30))


def test_kubernetes_events_of_the_rollout_are_shown() -> None:
    """Those of others are not; how pods are created is the trouble itself."""
    other = ObjectRef("Rollout", "shop", "other")
    events = [_event("RolloutAborted"), _event("FailedCreate"), _event("RolloutAborted", other)]
    assert [("event", "Event RolloutAborted of Rollout shop/web: it was so")] == _told(*events)
