"""Which failure of a key is its cause, and when nobody is to be blamed."""

from __future__ import annotations

import pytest

from parsers.events import Event, Failure, NamedObject
from pipeline.engine.causes import is_established
from pipeline.engine.incidents import Incident
from tests.pipeline.engine.builders import LOG, TEXTS, WEB, attempts, count, healthy, only

SPAN = range(0, 200, 10)


def _mixed(*texts: str) -> list[Event]:
    """A streak that goes through these failures again and again."""
    return [
        event
        for number, seconds in enumerate(SPAN)
        for event in attempts([seconds], texts[number % len(texts)], first=number + 1)
    ]


def _about(incident: Incident) -> tuple[str, str | None]:
    culprit = incident.cause.culprit
    return incident.cause.failure_class, culprit.name if culprit is not None else None


AGGREGATED = "the server is currently unable to handle the request (get pods.metrics.k8s.io)"

CHOSEN = {
    "one failure": (_mixed("expired"), ("tls.expired", "emissary-apiext")),
    "conflicts that follow are symptoms": (
        _mixed("expired", "conflict", "conflict", "conflict"),
        ("tls.expired", "emissary-apiext"),
    ),
    "a conflict alone is the cause": (_mixed("conflict"), ("conflict", "web")),
    "what nobody knows is a symptom, too": (
        _mixed("expired", "the frobnicator is sad", "the frobnicator is sad"),
        ("tls.expired", "emissary-apiext"),
    ),
    "a single conflict and a single expiry among refusals": (
        attempts([0], "conflict") + attempts(range(10, 400, 10), "admission", first=2),
        ("tls.unknown_authority", "guard"),
    ),
    "one webhook in three words is one cause": (
        _mixed("hanging", "expired", "hanging", "hanging"),
        ("tls.expired", "emissary-apiext"),
    ),
    "what explains most attempts": (
        attempts(range(0, 150, 10), "admission") + attempts(range(150, 200, 10), "forbidden", first=16),
        ("tls.unknown_authority", "guard"),
    ),
    "an outage of the API server that has ended": (
        attempts(range(0, 300, 10), "refused") + attempts(range(300, 400, 10), "admission", first=31),
        ("tls.unknown_authority", "guard"),
    ),
    "an outage within a trouble that goes on": (
        attempts(range(0, 50, 10), "admission")
        + attempts(range(50, 300, 10), "refused", first=6)
        + attempts(range(300, 370, 10), "admission", first=31),
        ("tls.unknown_authority", "guard"),
    ),
    "an aggregated API that is away": (
        attempts(range(0, 300, 10), AGGREGATED) + attempts(range(300, 400, 10), "admission", first=31),
        ("apiserver.unreachable", "metrics.k8s.io"),
    ),
    "an outage that nothing has followed for long": (
        attempts(range(0, 300, 10), "refused") + attempts(range(300, 340, 10), "admission", first=31),
        ("apiserver.unreachable", None),
    ),
    "an outage that goes on": (
        attempts(range(0, 100, 10), "admission") + attempts(range(100, 400, 10), "refused", first=11),
        ("apiserver.unreachable", None),
    ),
    "of equals the first": (
        attempts(range(0, 100, 10), "forbidden") + attempts(range(100, 200, 10), "admission", first=11),
        ("rbac.forbidden", "argo-rollouts"),
    ),
}


@pytest.mark.parametrize(("events", "about"), CHOSEN.values(), ids=CHOSEN)
def test_cause_is_chosen(events: list[Event], about: tuple[str, str]) -> None:
    """Class and culprit, from the key's own errors."""
    incident = only(healthy(-20, -10), events)
    assert about == _about(incident)
    assert ("own_error", True) == (incident.cause.basis, incident.cause.established)


UNKNOWN = {
    "bare time-out": _mixed("deadline"),
    "words that no rule knows": _mixed("the frobnicator is sad"),
    "retry lines only": [count(seconds, number + 30) for number, seconds in enumerate(SPAN)],
}


@pytest.mark.parametrize("events", UNKNOWN.values(), ids=UNKNOWN)
def test_cause_is_not_established(events: list[Event]) -> None:
    """Nobody is blamed; what is missing is said, with the command that gets it."""
    cause = only(healthy(-20, -10), events).cause
    assert ("unknown", False, "none", None) == (cause.failure_class, cause.established, cause.basis, cause.culprit)
    assert (None, None) == (cause.webhook, cause.certificate)
    assert any(one.command for one in cause.missing)


PLAIN = {
    "too many requests": ("apiserver.too-many-requests", True),
    "etcd is slow": ("apiserver.etcd-slow", True),
    "the API server is slow, or a conversion webhook": ("apiserver.time-allotted", False),
}


@pytest.mark.parametrize(("rule", "is_plain"), PLAIN.values(), ids=PLAIN)
def test_overload_of_a_custom_resource_is_established_where_it_names_its_reason(rule: str, is_plain: bool) -> None:
    """A conversion webhook that hangs reads as a slow API server, and never as one that sheds load."""
    mapping = NamedObject("mappings.getambassador.io", "web")
    failure = Failure(failure_class="apiserver.overloaded", rule=rule, text=rule, named_object=mapping)
    assert is_plain is is_established(failure)


def test_suspects_are_named_with_what_speaks_against_them() -> None:
    """They rank, they do not accuse."""
    suspects = only(healthy(-20, -10), _mixed("deadline")).cause.suspects
    assert ["network.timeout"] == [suspect.failure_class for suspect in suspects]
    assert all(suspect.against for suspect in suspects)


def test_certificate_and_webhook_are_told() -> None:
    """What the message says of them, as printed."""
    cause = only(healthy(-20, -10), _mixed("expired")).cause
    assert cause.certificate is not None
    assert cause.webhook is not None
    assert "2026-02-01T00:00:00Z" == cause.certificate.not_after
    assert ("conversion", "emissary-apiext.emissary-system.svc:443") == (cause.webhook.type, cause.webhook.service)


def test_text_of_a_denial_is_data() -> None:
    """A tenant's text that looks like another failure or another key's line changes nothing."""
    forged = f'{TEXTS["denied"]}: rollout syncHandler queue retries: 900 : key "shop/api": {TEXTS["expired"]}'
    incident = only(healthy(-20, -10), _mixed(forged))
    assert "webhook.admission_denied" == incident.cause.failure_class
    assert [(WEB.namespace, WEB.name)] == [(victim.namespace, victim.name) for victim in incident.victims]
    assert LOG.source == incident.evidence[0].provenance.source
