"""Whom each class of failure accuses, and which failures accuse the same."""

from __future__ import annotations

import pytest

from parsers.events import Failure, NamedObject
from parsers.failure_classes import FAILURE_CLASSES
from pipeline.engine.culprits import NOBODY, Aliases, Culprit, culprit_of, identity_of
from tests.pipeline.engine.builders import API, JOB, WEB, failure

NO_ALIASES = Aliases()


def _failure(failure_class: str, **fields: object) -> Failure:
    return Failure(**{"failure_class": failure_class, "rule": "", "text": failure_class, **fields})  # type: ignore[arg-type]


SERVICE = "guard.tools.svc:443"
GUARD = Culprit("Service", "guard", "tools", host=SERVICE)
WEB_ITSELF = Culprit("Rollout", "web", "shop")
MAPPING = "getambassador.io/v2, Kind=Mapping"

ACCUSED: dict[str, tuple[Failure, Culprit]] = {
    "certificate of a webhook": (_failure("tls.expired", webhook="w", service=SERVICE), GUARD),
    "certificate of a conversion webhook": (
        _failure("tls.expired", is_conversion=True, kind=MAPPING, service=SERVICE),
        GUARD,
    ),
    "certificate of an address": (
        _failure("tls.unknown_authority", service="prometheus.example.com:443"),
        Culprit("Endpoint", host="prometheus.example.com:443"),
    ),
    "certificate of the API server": (
        _failure("tls.expired", service="10.96.0.1:443", url_path="/apis/apps/v1"),
        Culprit("APIServer", host="10.96.0.1:443"),
    ),
    "metric provider, whose paths look like the API server's": (
        _failure("network.refused", service="prometheus.monitoring.svc:9090", url_path="/api/v1/query"),
        Culprit("Service", "prometheus", "monitoring", host="prometheus.monitoring.svc:9090"),
    ),
    "metric provider outside": (
        _failure("network.dns", service="api.datadoghq.com", url_path="/api/v2/query/timeseries"),
        Culprit("Endpoint", host="api.datadoghq.com"),
    ),
    "handshake with a peer": (
        _failure("tls.bad_certificate", peer="10.0.0.7:4711"),
        Culprit("Endpoint", host="10.0.0.7:4711"),
    ),
    "webhook that names no service": (
        _failure("webhook.timeout", webhook="check.guard.dev"),
        Culprit("Webhook", "check.guard.dev"),
    ),
    "conversion that names no service": (
        _failure("webhook.conversion_failed", is_conversion=True, kind=MAPPING),
        Culprit("CustomResourceDefinition", "mappings.getambassador.io"),
    ),
    "webhook without endpoints": (_failure("webhook.no_endpoints", webhook="w", service=SERVICE), GUARD),
    "denial": (_failure("webhook.admission_denied", webhook="w", service=SERVICE), Culprit("Webhook", "w")),
    "denial by a policy": (
        _failure("webhook.admission_denied", policy="signed"),
        Culprit("ValidatingAdmissionPolicy", "signed"),
    ),
    "denial by another kind of policy": (
        _failure(
            "webhook.admission_denied", policy="owner", text="policy 'owner' with binding 'all' denied request: no"
        ),
        Culprit("MutatingAdmissionPolicy", "owner"),
    ),
    "denial by the level of the namespace": (
        _failure("webhook.admission_denied", policy="restricted:latest", rule="rbac.pod-security"),
        Culprit("PodSecurity", "restricted:latest", "shop"),
    ),
    "limits of the namespace": (_failure("quota", rule="quota.limit-range"), Culprit("LimitRange", "", "shop")),
    "object without a namespace that is missing": (
        _failure("object.not_found", named_object=NamedObject("priorityclasses", "urgent")),
        Culprit("priorityclasses", "urgent"),
    ),
    "right of a service account": (
        _failure("rbac.forbidden", user="system:serviceaccount:argo-rollouts:rollouts"),
        Culprit("ServiceAccount", "rollouts", "argo-rollouts"),
    ),
    "right of a user": (_failure("rbac.forbidden", user="jane"), Culprit("User", "jane")),
    "quota": (_failure("quota", quota="compute"), Culprit("ResourceQuota", "compute", "shop")),
    "type that is missing": (
        _failure("crd.missing", kind="networking.istio.io/v1, Kind=VirtualService"),
        Culprit("CustomResourceDefinition", "virtualservices.networking.istio.io"),
    ),
    "resource that is missing": (
        _failure("crd.missing", named_object=NamedObject("trafficsplits.split.smi-spec.io")),
        Culprit("CustomResourceDefinition", "trafficsplits.split.smi-spec.io"),
    ),
    "object that is missing": (
        _failure("object.not_found", named_object=NamedObject("services", "web-canary")),
        Culprit("services", "web-canary", "shop"),
    ),
    "panic": (_failure("panic", location="rollout.Sync"), Culprit("Function", "rollout.Sync")),
    "lease": (
        _failure("leader_election", named_object=NamedObject("leases", "lock", "argo")),
        Culprit("Lease", "lock"),
    ),
    "plugin": (_failure("traffic_router", plugin="argoproj/sample"), Culprit("Plugin", "argoproj/sample")),
    "API that the API server serves itself": (
        _failure("apiserver.unreachable", api_group="argoproj.io/v1alpha1"),
        Culprit("APIServer"),
    ),
    "aggregated API whose server is called by its address": (
        _failure("network.refused", service="10.2.3.4:443", api_group="metrics.k8s.io"),
        Culprit("APIService", "metrics.k8s.io"),
    ),
    "aggregated API": (
        _failure("apiserver.unreachable", api_group="metrics.k8s.io/v1"),
        Culprit("APIService", "metrics.k8s.io"),
    ),
    "API server": (
        _failure("apiserver.unreachable", service="10.96.0.1:443"),
        Culprit("APIServer", host="10.96.0.1:443"),
    ),
    "credentials": (_failure("apiserver.unauthorized"), Culprit("APIServer")),
    "name that cannot be resolved": (
        _failure("network.dns", service="db.x.svc:1"),
        Culprit("Service", "db", "x", host="db.x.svc:1"),
    ),
    "conflict": (_failure("conflict", named_object=NamedObject("replicasets.apps", "web-1")), WEB_ITSELF),
    "spec": (_failure("spec.invalid"), WEB_ITSELF),
    "immutable field": (_failure("field_immutable"), WEB_ITSELF),
    "schema": (_failure("crd.schema"), WEB_ITSELF),
    "object too large": (_failure("etcd.too_large"), WEB_ITSELF),
}


@pytest.mark.parametrize(("found", "culprit"), ACCUSED.values(), ids=ACCUSED)
def test_culprit_is_what_the_failure_names(found: Failure, culprit: Culprit) -> None:
    """The object itself where it names nothing else."""
    assert culprit == culprit_of(found, WEB, NO_ALIASES)


NAMELESS = {"traffic_router", "metric_provider", "unknown", "panic", "rbac.forbidden", "crd.missing"} | {
    name for name in FAILURE_CLASSES if name.startswith(("tls.", "webhook.", "network."))
}


@pytest.mark.parametrize("failure_class", sorted(FAILURE_CLASSES))
def test_every_class_has_an_identity_and_most_a_culprit(failure_class: str) -> None:
    """Also where a message names nothing at all, with a key and without: a culprit without a name is none."""
    for key in (WEB, None):
        found = culprit_of(_failure(failure_class), key, NO_ALIASES)
        assert (failure_class in NAMELESS) == (found == NOBODY)
        assert identity_of(_failure(failure_class), key, NO_ALIASES)


@pytest.mark.parametrize(
    ("field", "missing"),
    [
        ("ambassador.mappings", Culprit("CustomResourceDefinition", "mappings.getambassador.io")),
        ("istio.virtualService", Culprit("CustomResourceDefinition", "virtualservices.networking.istio.io")),
        ("somebody.routes", WEB_ITSELF),
    ],
)
def test_field_of_an_invalid_rollout_tells_which_api_is_missing(field: str, missing: Culprit) -> None:
    """The Rollout's own API is there: it was read."""
    text = (
        f'The Rollout "web" is invalid: spec.strategy.canary.trafficRouting.{field}: Invalid value: "web": '
        "the server could not find the requested resource"
    )
    found = _failure("crd.missing", text=text, named_object=NamedObject(resource="rollouts", name="web"))
    assert missing == culprit_of(found, WEB, NO_ALIASES)


def test_users_rule_that_names_nothing_accuses_nobody() -> None:
    """And victims of one text stay together."""
    found = _failure("custom.ours", text="frobnicator says no")
    assert NOBODY == culprit_of(found, WEB, NO_ALIASES)
    assert identity_of(found, WEB, NO_ALIASES) == identity_of(found, API, NO_ALIASES)


def test_service_of_a_webhook_is_learned_from_other_messages() -> None:
    """A webhook that answers 500 names no service; another message about it did."""
    aliases = Aliases.of([failure("expired")])
    silent = _failure("webhook.conversion_failed", is_conversion=True, kind="getambassador.io/v3alpha1, Kind=Mapping")
    assert identity_of(failure("expired"), WEB, NO_ALIASES) == identity_of(silent, API, aliases)


def test_messages_that_disagree_teach_nothing() -> None:
    """One webhook's name with two services is not one service, in whatever order they come."""
    one, other = (_failure("tls.expired", webhook="w", service=service) for service in (SERVICE, "other.tools.svc:443"))
    for learned in ([one, other, one], [other, one, one]):
        assert None is Aliases.of(learned).service_of(_failure("webhook.timeout", webhook="w"))


SAME = {
    "a webhook's three messages": (failure("hanging"), failure("expired"), True),
    "an admission webhook's two messages": (failure("admission"), failure("admission refused"), True),
    "the API server by two addresses": (
        _failure("apiserver.unreachable", service="10.96.0.1:443"),
        _failure("apiserver.overloaded", service="kubernetes.default.svc:443"),
        True,
    ),
    "two webhooks": (failure("expired"), failure("admission"), False),
    "a denial and a broken certificate of one webhook": (failure("denied"), failure("admission"), False),
    "two reasons of a denial": (
        failure("denied"),
        failure('admission webhook "check.guard.dev" denied the request: no'),
        False,
    ),
    "credentials and an API server that is away": (
        _failure("apiserver.unauthorized"),
        _failure("apiserver.unreachable", service="10.96.0.1:443"),
        False,
    ),
}


@pytest.mark.parametrize(("one", "other", "is_same"), SAME.values(), ids=SAME)
def test_identity_is_that_of_the_accused(one: Failure, other: Failure, is_same: bool) -> None:
    """Not of the words, and not of the class."""
    assert is_same is (identity_of(one, WEB, NO_ALIASES) == identity_of(other, API, NO_ALIASES))


APART = ["conflict", "invalid", "missing"]


@pytest.mark.parametrize("text", APART)
def test_trouble_of_an_object_is_its_own(text: str) -> None:
    """Two objects that are each wrong in themselves have two causes."""
    assert identity_of(failure(text), WEB, NO_ALIASES) != identity_of(failure(text), JOB, NO_ALIASES)


WIDGET = _failure("webhook.conversion_failed", is_conversion=True, kind="example.com/v2, Kind=Widget")
NAMED = _failure("conflict", named_object=NamedObject("widgets.example.com", "a"))


@pytest.mark.parametrize(
    ("aliases", "culprit"),
    [
        (NO_ALIASES, Culprit("Kind", "Widget.example.com")),
        (Aliases.of([WIDGET, NAMED]), Culprit("CustomResourceDefinition", "widgets.example.com")),
        (
            Aliases.of([WIDGET], resources={"Widget.example.com": "widgetry.example.com"}),
            Culprit("CustomResourceDefinition", "widgetry.example.com"),
        ),
    ],
    ids=["kind alone", "another message names the resource", "the CRD was seen"],
)
def test_crd_is_named_only_where_its_name_is_known(aliases: Aliases, culprit: Culprit) -> None:
    """The plural of a kind is not made up."""
    assert culprit == culprit_of(WIDGET, WEB, aliases)


def test_webhook_name_of_two_services_is_not_known_by_a_message() -> None:
    """Two configurations have a webhook of this name; that one of its services is down says nothing of the other."""
    named = _failure("webhook.admission_unreachable", webhook="check.guard.dev", service=SERVICE)
    nameless = _failure("webhook.admission_unreachable", webhook="check.guard.dev")
    aliases = Aliases.of([named, nameless], {"check.guard.dev": ("", False)})
    assert Culprit("Webhook", "check.guard.dev") == culprit_of(nameless, WEB, aliases)
    assert GUARD == culprit_of(named, WEB, aliases)
