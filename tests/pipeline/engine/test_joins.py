"""What another log says is joined to a key's error only by a name that both have, never by time."""

from __future__ import annotations

import pytest

from parsers.events import CertificateFacts, Event, Failure, FailureSeen
from parsers.records import Origin
from tests.pipeline.engine.builders import OTHER_LOG, at, back_off, complete, healthy, only, see

APIEXT = Origin(source="apiext.log", namespace="emissary-system", pod="emissary-apiext-7d9f8c6b5-x2b4z")

DEEPER = (
    'Post "https://emissary-apiext.emissary-system.svc:443/webhooks/crd-convert?timeout=30s": tls: failed to verify '
    "certificate: x509: certificate has expired or is not yet valid: current time 2026-03-01T12:00:00Z is after "
    "2026-02-01T00:00:00Z"
)
OTHER_SERVICE = DEEPER.replace("emissary-apiext.emissary-system", "guard.tools")
OUTSIDE = OTHER_SERVICE.replace("guard.tools.svc", "telemetry.example.com")
CONVERSION = "conversion webhook for getambassador.io/v2, Kind=Mapping failed: "
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
    "the same kind, converted by another service": (
        [see(-60, f"{CONVERSION}{OTHER_SERVICE}", origin=OTHER_LOG)],
        ("webhook.timeout", "own_error"),
    ),
    "in the webhook's own log, without a name": (
        [see(-60, "x509: certificate has expired or is not yet valid", origin=APIEXT)],
        ("tls.expired", "named_object"),
    ),
    "in the webhook's own log, of whom it calls": (
        [see(-60, OUTSIDE, origin=APIEXT)],
        ("webhook.timeout", "own_error"),
    ),
    "in the webhook's own log, of another service": (
        [see(-60, OTHER_SERVICE, origin=APIEXT)],
        ("webhook.timeout", "own_error"),
    ),
    "another webhook": ([see(-60, "admission", origin=OTHER_LOG)], ("webhook.timeout", "own_error")),
}


@pytest.mark.parametrize(("evidence", "cause"), JOINED.values(), ids=JOINED)
def test_evidence_of_another_log(evidence: list[Event], cause: tuple[str, str]) -> None:
    """Joined where it names the same thing and began in time."""
    assert cause == _cause(*evidence)


SLOW_MAPPING = (
    "the server was unable to return a response in the time allotted, but may still be processing the request (get "
    "mappings.getambassador.io web)"
)
NOTICE_TEXT = (
    "root x509 ca certificate is expiring soon: secretName=emissary-system/hooks notAfter=2026-02-01T00:00:00Z"
)


def _notice(
    seconds: float, *, origin: Origin = APIEXT, not_after: str = "2026-02-01T00:00:00Z", carrier: str = "notice"
) -> FailureSeen:
    """A component says when a certificate ends."""
    found = Failure("tls.expired", "tls.expired-notice", NOTICE_TEXT, certificate=CertificateFacts(not_after=not_after))
    return FailureSeen(at(seconds), origin, int(seconds), found, carrier)


def test_certificate_of_whom_a_webhook_calls_explains_no_slow_object() -> None:
    """Nor is that address to blame."""
    incident = only(healthy(-20, -10), back_off(0, 200, SLOW_MAPPING), see(-60, OUTSIDE, origin=APIEXT), complete(300))
    assert ("unknown", None) == (incident.cause.failure_class, incident.cause.culprit)


NOTICES: dict[str, tuple[str, list[Event], str]] = {
    "in the log of the pods that convert": (SLOW_MAPPING, [_notice(-60)], "tls.expired"),
    "in the log of another product": (
        SLOW_MAPPING,
        [_notice(-60, origin=Origin(source="cert-manager.log", pod="cert-manager-5c6b8f7d9-abcde"))],
        "unknown",
    ),
    "in the log of the same product's gateway": (
        SLOW_MAPPING,
        [_notice(-60, origin=Origin(source="gateway.log", pod="emissary-ingress-5c6b8f7d9-abcde"))],
        "unknown",
    ),
    "in a log that says nothing of itself": (SLOW_MAPPING, [_notice(-60, origin=OTHER_LOG)], "unknown"),
    "of a certificate that ended when the key was stuck": (
        SLOW_MAPPING,
        [_notice(190, not_after="2026-03-01T12:02:00Z")],
        "unknown",
    ),
    "while another kind is slow": (
        SLOW_MAPPING.replace("mappings.getambassador.io", "things.dev"),
        [_notice(-60)],
        "unknown",
    ),
    "while nothing is named": ("deadline", [_notice(-60)], "unknown"),
    "while the webhook hangs, which has a cause of its own": ("hanging", [_notice(-60)], "webhook.timeout"),
    "while something else is refused": ("forbidden", [_notice(-60)], "rbac.forbidden"),
}


@pytest.mark.parametrize(("error", "evidence", "failure_class"), NOTICES.values(), ids=NOTICES)
def test_note_of_a_certificate_that_has_ended(error: str, evidence: list[Event], failure_class: str) -> None:
    """It explains a time-out about what the writer converts, and nothing else."""
    incident = only(healthy(-20, -10), back_off(0, 200, error), *evidence, complete(300))
    assert failure_class == incident.cause.failure_class


def test_culprit_without_a_namespace_has_none_in_its_name() -> None:
    """A log that is known by its file's name alone."""
    notice = _notice(-60, origin=Origin(source="emissary-apiext.log"))
    incident = only(healthy(-20, -10), back_off(0, 200, SLOW_MAPPING), notice)
    assert "rollout shop/web is stuck: certificate of emissary-apiext has expired" == incident.title


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
