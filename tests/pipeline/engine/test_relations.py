"""How the objects tie victims to the culprit: whole chains only, and never to somebody whom the error does not name."""

from __future__ import annotations

import pytest

from parsers.events import Event
from parsers.facts.admission import CrdFacts, WebhookConfigurationFacts, WebhookFactsOfObject
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.certificates import CertificateInfo, SecretFacts
from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.rollouts import RolloutFacts, TrafficReference
from parsers.facts.seen import AnyFacts, ObjectSeen
from parsers.facts.workloads import ReplicaSetFacts
from tests.pipeline.engine.builders import API, TEXTS, at, attempts, back_off, block, healthy, incidents_of, only
from tests.pipeline.engine.object_builders import ROLLOUT, SNAPSHOT, WEB_SET

ROUTED = RolloutFacts(
    ref=ROLLOUT,
    observed_generation=1,
    traffic=(TrafficReference("ambassador", "getambassador.io", "Mapping", "web"),),
)
UNROUTED = RolloutFacts(ref=ROLLOUT, observed_generation=1)
HPA = HpaFacts(ref=ObjectRef("HorizontalPodAutoscaler", "shop", "web"), target=ROLLOUT)
CRD = "CustomResourceDefinition mappings.getambassador.io"
APIEXT = "Service emissary-system/emissary-apiext"
CONVERSION = "spec.conversion.webhook.clientConfig.service"
FIRST_FAILURE = 'an error on the server ("upstream failure") has prevented the request from succeeding'
NAMELESS = f"conversion webhook for getambassador.io/v2, Kind=Mapping failed: {FIRST_FAILURE}"


def _seen(facts: AnyFacts) -> ObjectSeen:
    return ObjectSeen(at(-30), SNAPSHOT, 1, facts)


def _crd(service: str = "emissary-apiext") -> CrdFacts:
    return CrdFacts(
        ref=ObjectRef("CustomResourceDefinition", "", "mappings.getambassador.io"),
        group="getambassador.io",
        kind="Mapping",
        plural="mappings",
        conversion=ServiceRef("emissary-system", service),
    )


def _guard(service: str = "guard") -> WebhookConfigurationFacts:
    webhook = WebhookFactsOfObject(name="check.guard.dev", service=ServiceRef("tools", service))
    return WebhookConfigurationFacts(ref=ObjectRef("MutatingWebhookConfiguration", "", "guard"), webhooks=(webhook,))


def _blocked_set() -> ReplicaSetFacts:
    condition = ConditionFacts(type="ReplicaFailure", status="True", message=TEXTS["admission"], changed_at=at(0))
    return ReplicaSetFacts(
        ref=ObjectRef("ReplicaSet", "shop", WEB_SET), owner=ROLLOUT, desired=3, current=0, conditions=(condition,)
    )


def _secret(name: str) -> SecretFacts:
    certificate = CertificateInfo(
        subject="CN=guard",
        common_name="guard",
        issuer="CN=guard-ca",
        serial_number="1",
        not_before=at(-99_999),
        not_after=at(99_999),
        dns_names=("guard.tools.svc",),
        ip_addresses=(),
        is_ca=False,
        der=b"",
        sha256=name,
    )
    return SecretFacts(ref=ObjectRef("Secret", "tools", name), certificates=(certificate,))


def _links(*parts: Event | list[Event], text: str = "expired") -> list[tuple[str, str, str]]:
    incident = only(healthy(-20, -10), back_off(0, 200, text), *parts)
    return [(one.source, one.target, one.by) for one in incident.cause.relations]


def test_rollout_that_routes_by_the_kind() -> None:
    """From the autoscaler over the object of the traffic router to the Service behind the CRD."""
    found = _links(_seen(ROUTED), _seen(HPA), _seen(_crd()))
    assert [
        ("HorizontalPodAutoscaler shop/web", "Rollout shop/web", "spec.scaleTargetRef"),
        ("Rollout shop/web", "Mapping shop/web", "spec.strategy.canary.trafficRouting.ambassador"),
        ("Mapping shop/web", CRD, "its kind"),
        (CRD, APIEXT, CONVERSION),
    ] == found


CONVERTED: dict[str, tuple[list[AnyFacts], list[tuple[str, str, str]]]] = {
    "no objects": ([], []),
    "the Rollout alone": ([ROUTED, HPA], []),
    "the CRD alone": ([_crd()], [("Rollout shop/web", CRD, "its error names the kind"), (CRD, APIEXT, CONVERSION)]),
    "a Rollout that routes by something else": (
        [UNROUTED, _crd()],
        [("Rollout shop/web", CRD, "its error names the kind"), (CRD, APIEXT, CONVERSION)],
    ),
    "a CRD that calls somebody else by now": ([ROUTED, HPA, _crd("new-apiext")], []),
}


@pytest.mark.parametrize(("objects", "links"), CONVERTED.values(), ids=CONVERTED)
def test_conversion(objects: list[AnyFacts], links: list[tuple[str, str, str]]) -> None:
    """Whole chains that end at the one whom the error names, or nothing."""
    assert links == _links(*map(_seen, objects))


def test_basis_stays_the_error_that_names_the_service() -> None:
    """What the objects add is told beside it."""
    cause = only(healthy(-20, -10), back_off(0, 200), _seen(_crd())).cause
    assert ("own_error", True) == (cause.basis, bool(cause.relations))


def test_basis_is_the_relation_where_only_the_objects_know_the_service() -> None:
    """The relation is what the answer rests on, so it is always told."""
    cause = only(healthy(-20, -10), back_off(0, 200, NAMELESS), _seen(_crd())).cause
    assert ("relation", APIEXT) == (cause.basis, cause.relations[-1].target)


def test_pods_that_cannot_be_created() -> None:
    """Over the ReplicaSet that the webhook is asked for."""
    incident = only(healthy(-20, -10), block(0), healthy(30, 60, 90), *map(_seen, (UNROUTED, _blocked_set(), _guard())))
    assert [
        ("Rollout shop/web", f"ReplicaSet shop/{WEB_SET}"),
        (f"ReplicaSet shop/{WEB_SET}", "MutatingWebhookConfiguration guard"),
        ("MutatingWebhookConfiguration guard", "Service tools/guard"),
    ] == [(one.source, one.target) for one in incident.cause.relations]


ADMITTED: dict[str, tuple[list[AnyFacts], str | None]] = {
    "the configuration": ([_guard()], "Service tools/guard"),
    "a configuration that calls somebody else by now": ([_guard("new-guard")], None),
    "and the Secret": ([_guard(), _secret("guard-tls")], "Secret tools/guard-tls"),
    "and two Secrets that may be the one": ([_guard(), _secret("a"), _secret("b")], "Service tools/guard"),
}


@pytest.mark.parametrize(("objects", "last"), ADMITTED.values(), ids=ADMITTED)
def test_admission(objects: list[AnyFacts], last: str | None) -> None:
    """The end of the chain: the Service, and its Secret where there is no doubt which it is."""
    found = _links(*map(_seen, objects), text="admission")
    assert last == (found[-1][1] if found else None)


def test_summary_tells_the_chain_of_the_first_victim() -> None:
    """As a path; a second victim has links of its own in the list."""
    (incident,) = incidents_of(
        attempts(range(0, 200, 10)), attempts(range(1, 200, 10), key=API), _seen(ROUTED), _seen(_crd())
    )
    path = f"Rollout shop/web > Mapping shop/web > {CRD} > {APIEXT}"
    assert incident.summary.endswith(f" The objects lead there: {path}.")
    assert "Replicas" not in incident.summary  # the Rollout has no numbers
    assert {"Rollout shop/web", "Rollout shop/api"} <= {one.source for one in incident.cause.relations}
