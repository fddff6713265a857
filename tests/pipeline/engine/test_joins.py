"""What another log says is joined to a key's error only by a name that both have, never by time."""

from __future__ import annotations

import pytest

from parsers.events import Event
from parsers.records import Origin
from tests.pipeline.engine.builders import OTHER_LOG, back_off, complete, healthy, only, see

APIEXT = Origin(source="apiext.log", namespace="emissary-system", pod="emissary-apiext-7d9f8c6b5-x2b4z")

DEEPER = (
    'Post "https://emissary-apiext.emissary-system.svc:443/webhooks/crd-convert?timeout=30s": tls: failed to verify '
    "certificate: x509: certificate has expired or is not yet valid: current time 2026-03-01T12:00:00Z is after "
    "2026-02-01T00:00:00Z"
)
OTHER_SERVICE = DEEPER.replace("emissary-apiext.emissary-system", "guard.tools")
OTHER_NAMESPACE = DEEPER.replace("emissary-apiext.emissary-system", "emissary-apiext.staging")


def _cause(*evidence: Event) -> tuple[str, str]:
    cause = only(healthy(-20, -10), back_off(0, 200, "hanging"), *evidence, complete(300)).cause
    return cause.failure_class, cause.basis


JOINED: dict[str, tuple[list[Event], tuple[str, str]]] = {
    "the same service, before": ([see(-60, DEEPER, origin=OTHER_LOG)], ("tls.expired", "named_object")),
    "the same service, meanwhile": (
        [see(-60, "x", origin=OTHER_LOG), see(20, DEEPER, origin=OTHER_LOG)],
        ("tls.expired", "named_object"),
    ),
    "nothing": ([], ("webhook.timeout", "own_error")),
    "another service": ([see(-60, OTHER_SERVICE, origin=OTHER_LOG)], ("webhook.timeout", "own_error")),
    "the same name in another namespace": (
        [see(-60, OTHER_NAMESPACE, origin=OTHER_LOG)],
        ("webhook.timeout", "own_error"),
    ),
    "no name at all": (
        [see(-60, "x509: certificate has expired or is not yet valid", origin=OTHER_LOG)],
        ("webhook.timeout", "own_error"),
    ),
    "began after the key was stuck, in a log that was watched": (
        [see(-60, "x", origin=OTHER_LOG), see(150, DEEPER, origin=OTHER_LOG)],
        ("webhook.timeout", "own_error"),
    ),
    "in a log that begins late": ([see(150, DEEPER, origin=OTHER_LOG)], ("tls.expired", "named_object")),
    "another webhook": ([see(-60, "admission", origin=OTHER_LOG)], ("webhook.timeout", "own_error")),
}


@pytest.mark.parametrize(("evidence", "cause"), JOINED.values(), ids=JOINED)
def test_evidence_of_another_log(evidence: list[Event], cause: tuple[str, str]) -> None:
    """Joined where it names the same thing and began in time."""
    assert cause == _cause(*evidence)


def test_evidence_that_began_after_the_end_explains_nothing() -> None:
    """Whatever it names."""
    events = [*back_off(0, 200, "hanging"), complete(205), complete(210), see(260, DEEPER, origin=OTHER_LOG)]
    assert "webhook.timeout" == only(healthy(-20, -10), events).cause.failure_class


def test_joined_evidence_is_shown_with_its_place() -> None:
    """The line of the other log stands beside those of the key."""
    incident = only(healthy(-20, -10), back_off(0, 200, "hanging"), see(-60, DEEPER, origin=APIEXT))
    assert APIEXT.source in {evidence.provenance.source for evidence in incident.evidence}
    assert incident.cause.culprit is not None
    assert ("emissary-apiext", "emissary-system") == (incident.cause.culprit.name, incident.cause.culprit.namespace)
