"""What is wrong with a certificate: told from the message, its clock, and the objects that hold certificates."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from parsers.events import Event
from parsers.facts.seen import ObjectSeen
from parsers.failures import FailureFinder
from parsers.objects.snapshots import read_snapshot
from parsers.records import Origin
from pipeline.engine.incidents import Incident
from sample_logs.made_certificates import admission, conversion_crd, day, issued, secret
from tests.pipeline.engine.builders import BEGIN, at, back_off, only, rules

HOSTS = ("guard.tools.svc",)
CALL = (
    'conversion webhook for meshes.dev/v2, Kind=Route failed: Post "https://guard.tools.svc:443/convert?timeout=30s": '
    "tls: failed to verify certificate: x509: "
)
ADMITTING = (
    'Internal error occurred: failed calling webhook "check.guard.dev": failed to call webhook: Post '
    '"https://guard.tools.svc:443/check?timeout=10s": tls: failed to verify certificate: x509: '
)
UNTRUSTED = "certificate signed by unknown authority"
EXPIRED = "certificate has expired or is not yet valid: current time 2026-03-01T12:00:00Z is after {end}"
EARLY = "certificate has expired or is not yet valid: current time 2026-03-01T12:00:00Z is before {begin}"
MISNAMED = "certificate is valid for other.tools.svc, not guard.tools.svc"
NAMELESS = "certificate relies on legacy Common Name field, use SANs instead"

OLD_CA = issued("guard-ca", "ca-1", ("guard-ca", "ca-1"), day("2025-01-01"), day("2027-01-01"))
NEW_CA = issued("guard-ca", "ca-2", ("guard-ca", "ca-2"), day("2026-02-20"), day("2028-01-01"))
LATER_CA = issued("guard-ca", "ca-3", ("guard-ca", "ca-3"), day("2026-03-02"), day("2028-01-01"))
ENDED_CA = issued("guard-ca", "ca-0", ("guard-ca", "ca-0"), day("2025-02-01"), day("2026-02-27"))


def _leaf(key: str, begin: str, end: str, host: str = HOSTS[0]) -> bytes:
    return issued("guard", "leaf", ("guard-ca", key), day(begin), day(end), (host,))


OF_OLD = _leaf("ca-1", "2026-01-01", "2026-05-01")
OF_NEW = _leaf("ca-2", "2026-02-20", "2026-05-01")
OF_LATER = _leaf("ca-3", "2026-03-02", "2026-05-01")
JUST_MADE = _leaf("ca-1", "2026-03-01T11:30:00", "2026-05-01")
RENEWED_LATER = _leaf("ca-1", "2026-03-01T13:00:00", "2026-05-01")
ENDED = _leaf("ca-1", "2025-12-01", "2026-02-28")
MISNAMED_LEAF = _leaf("ca-1", "2026-01-01", "2026-05-01", "other.tools.svc")

BEFORE, SINCE = day("2026-02-25"), day("2026-03-01T15:00:00")


def _snapshot(*documents: dict[str, object]) -> list[ObjectSeen]:
    data = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}).encode()
    snapshot = read_snapshot(
        data, Origin(source="objects.json"), FailureFinder(rules()), received_at=None, read_at=day("2026-03-10")
    )
    return list(snapshot.events)


def _kept(leaf: bytes, authority: bytes, changed_at: datetime | None = None) -> dict[str, object]:
    return secret("tools", "guard-tls", leaf, authority, changed_at)


def _lease(renewed_at: str) -> dict[str, object]:
    """Tells when a snapshot was taken."""
    metadata = {"namespace": "kube-node-lease", "name": "node-a"}
    spec = {"holderIdentity": "node-a", "renewTime": renewed_at}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _at_clock(events: list[Event], ahead: int | None) -> list[Event]:
    """The events as a stream's reader makes them where the verifier's clock is `ahead`."""
    return [_with_offset(event, ahead) for event in events]


def _with_offset(event: Any, ahead: int | None) -> Event:
    failure = getattr(event, "failure", None)
    if failure is None or failure.certificate is None:
        return event
    certificate = msgspec.structs.replace(failure.certificate, clock_ahead_seconds=ahead)
    return msgspec.structs.replace(event, failure=msgspec.structs.replace(failure, certificate=certificate))


def _incident(error: str, *documents: dict[str, object], ahead: int | None = 0) -> Incident:
    return only(_at_clock(back_off(0, 200, error), ahead), _snapshot(*documents) if documents else [])


def _findings(incident: Incident) -> list[str]:
    return [one.finding for one in incident.cause.findings]


CLOCKS: dict[str, tuple[str, int | None, list[str]]] = {
    "an end, and clocks that agree": (EXPIRED.format(end="2026-02-01T00:00:00Z"), 0, ["expired"]),
    "an end, and a slow pass": (EXPIRED.format(end="2026-02-01T00:00:00Z"), -90, ["expired"]),
    "an end that is passed by the verifier's clock only": (
        EXPIRED.format(end="2026-03-01T11:00:00Z"), 7200, ["clock_skew"],
    ),
    "an end that is passed by both clocks": (
        EXPIRED.format(end="2026-02-01T00:00:00Z"), 7200, ["expired", "clock_skew"],
    ),
    "an end, and a record without a time": (EXPIRED.format(end="2026-03-01T11:00:00Z"), None, ["expired"]),
    "a beginning, and clocks that agree": (EARLY.format(begin="2026-03-01T13:00:00Z"), 1, ["not_yet_valid"]),
    "a beginning that the verifier's clock has not reached": (
        EARLY.format(begin="2026-03-01T13:00:00Z"), -7200, ["clock_skew"],
    ),
    "a beginning, and a record without a time": (EARLY.format(begin="2026-03-01T13:00:00Z"), None, ["not_yet_valid"]),
    "a name": (MISNAMED, None, ["wrong_name"]),
    "no names": (NAMELESS, None, ["no_san"]),
    "an authority": (UNTRUSTED, None, []),
}  # fmt: skip


@pytest.mark.parametrize(("error", "ahead", "findings"), CLOCKS.values(), ids=CLOCKS)
def test_message_and_clocks(error: str, ahead: int | None, findings: list[str]) -> None:
    """A wrong clock is told from a certificate by the time of the record."""
    assert findings == _findings(_incident(CALL + error, ahead=ahead))


END = EXPIRED.format(end="2026-02-28T00:00:00Z")
OBJECTS: dict[str, tuple[str, list[dict[str, object]], list[str]]] = {
    "the Secret's certificate has ended": (END, [conversion_crd(OLD_CA), _kept(ENDED, OLD_CA)], ["expired"]),
    "the Secret was renewed before, the old one is served": (
        END, [conversion_crd(OLD_CA), _kept(OF_OLD, OLD_CA)], ["stale_served_certificate", "expired"],
    ),
    "the Secret was renewed after the end of the log": (
        END, [conversion_crd(OLD_CA), _kept(RENEWED_LATER, OLD_CA)], ["expired", "snapshot_is_later"],
    ),
    "the Secret's certificate is young, and when it came is not known": (
        END, [conversion_crd(OLD_CA), _kept(JUST_MADE, OLD_CA)], ["expired", "snapshot_is_later"],
    ),
    "the Secret's certificate is young, and was there": (
        END,
        [conversion_crd(OLD_CA), _kept(JUST_MADE, OLD_CA, day("2026-03-01T11:30:00"))],
        ["stale_served_certificate", "expired"],
    ),
    "the authority has ended": (
        EXPIRED.format(end="2026-02-27T00:00:00Z"),
        [conversion_crd(ENDED_CA), _kept(_leaf("ca-0", "2026-01-01", "2026-05-01"), ENDED_CA)],
        ["authority_expired"],
    ),
    "the caBundle is older than the authority": (
        UNTRUSTED, [conversion_crd(OLD_CA), _kept(OF_NEW, NEW_CA)], ["stale_ca_bundle"],
    ),
    "the Secret is older than the caBundle": (
        UNTRUSTED, [conversion_crd(NEW_CA), _kept(OF_OLD, OLD_CA)], ["unknown_authority"],
    ),
    "the authority was made anew after the onset": (
        UNTRUSTED, [conversion_crd(OLD_CA), _kept(OF_LATER, LATER_CA)], ["snapshot_is_later"],
    ),
    "both fit, and were so before": (
        UNTRUSTED,
        [conversion_crd(OLD_CA, BEFORE), _kept(OF_OLD, OLD_CA, BEFORE)],
        ["stale_served_certificate"],
    ),
    "both fit, and were changed since": (
        UNTRUSTED, [conversion_crd(OLD_CA, SINCE), _kept(OF_OLD, OLD_CA, SINCE)], ["snapshot_is_later"],
    ),
    "both fit, and when they were changed is not known": (
        UNTRUSTED, [conversion_crd(OLD_CA), _kept(OF_OLD, OLD_CA)], ["snapshot_is_later"],
    ),
    "both fit, in a snapshot of the trouble": (
        UNTRUSTED,
        [conversion_crd(OLD_CA), _kept(OF_OLD, OLD_CA), _lease("2026-03-01T12:01:30Z")],
        ["stale_served_certificate"],
    ),
    "both fit, in a snapshot of a later time": (
        UNTRUSTED,
        [conversion_crd(OLD_CA), _kept(OF_OLD, OLD_CA), _lease("2026-03-01T12:30:00Z")],
        ["snapshot_is_later"],
    ),
    "another name in the Secret, too": (
        MISNAMED, [conversion_crd(OLD_CA), _kept(MISNAMED_LEAF, OLD_CA)], ["wrong_name"],
    ),
    "only the caBundle": (UNTRUSTED, [conversion_crd(OLD_CA)], []),
    "only the Secret": (UNTRUSTED, [_kept(OF_NEW, NEW_CA)], []),
    "two Secrets for one service": (
        UNTRUSTED,
        [conversion_crd(OLD_CA), _kept(OF_NEW, NEW_CA), secret("tools", "other", OF_NEW, NEW_CA)],
        [],
    ),
    "a Secret of another namespace": (UNTRUSTED, [conversion_crd(OLD_CA), secret("shop", "x", OF_NEW, NEW_CA)], []),
}  # fmt: skip


@pytest.mark.parametrize(("error", "documents", "findings"), OBJECTS.values(), ids=OBJECTS)
def test_objects(error: str, documents: list[dict[str, object]], findings: list[str]) -> None:
    """Where the objects may have been repaired since, that is said and nothing concluded."""
    assert findings == _findings(_incident(CALL + error, *documents))


def test_the_caBundle_of_the_named_webhook_counts() -> None:  # noqa: N802  # so it is called
    """One service may be called by several, each with an authority list of its own."""
    documents = [admission(OLD_CA), conversion_crd(NEW_CA), _kept(OF_NEW, NEW_CA)]
    incident = _incident(ADMITTING + UNTRUSTED, *documents)

    assert ["stale_ca_bundle"] == _findings(incident)
    assert "ValidatingWebhookConfiguration guard" in incident.cause.findings[0].objects


def test_certificate_of_the_message_is_filled_in_from_the_secret_that_holds_it() -> None:
    """Known again by its end."""
    certificate = _incident(CALL + END, conversion_crd(OLD_CA), _kept(ENDED, OLD_CA)).cause.certificate

    assert certificate is not None
    assert ("CN=guard", "CN=guard-ca", "2025-12-01T00:00:00Z", HOSTS) == (
        certificate.subject, certificate.issuer, certificate.not_before, certificate.valid_names
    )  # fmt: skip


def test_nothing_is_filled_in_from_a_certificate_that_is_not_served() -> None:
    """The Secret's own is good: its subject says nothing of the refused one."""
    certificate = _incident(CALL + END, conversion_crd(OLD_CA), _kept(OF_OLD, OLD_CA)).cause.certificate

    assert certificate is not None
    assert (None, None) == (certificate.subject, certificate.issuer)


AGES: dict[str, tuple[str, int, list[dict[str, object]], timedelta | None]] = {
    "since the end": (END, 0, [], BEGIN - day("2026-02-28")),
    "since the authority was made anew": (
        UNTRUSTED, 0, [conversion_crd(OLD_CA), _kept(OF_NEW, NEW_CA)], BEGIN - day("2026-02-20"),
    ),
    "of an end that the wrong clock made": (EXPIRED.format(end="2026-03-01T11:00:00Z"), 7200, [], None),
    "of an end that came after the onset": (EXPIRED.format(end="2026-03-01T12:00:30Z"), 0, [], None),
}  # fmt: skip


@pytest.mark.parametrize(("error", "ahead", "documents", "age"), AGES.values(), ids=AGES)
def test_age_of_the_fault_at_the_onset(
    error: str, ahead: int, documents: list[dict[str, object]], age: timedelta | None
) -> None:
    """Null where the fault is another one, or its age is not known."""
    certificate = _incident(CALL + error, *documents, ahead=ahead).cause.certificate

    assert certificate is not None
    assert (None if age is None else age.total_seconds()) == certificate.age_at_onset_seconds


STEPS: dict[str, tuple[str, int, list[dict[str, object]], str, str]] = {
    "clock": (EXPIRED.format(end="2026-03-01T11:00:00Z"), 7200, [], "chrony", "renew it"),
    "served": (
        END,
        0,
        [conversion_crd(OLD_CA), _kept(OF_OLD, OLD_CA)],
        "Restart the pods behind",
        "cert-manager issues",
    ),
    "bundle": (UNTRUSTED, 0, [conversion_crd(OLD_CA), _kept(OF_NEW, NEW_CA)], "injector", "Restart the workload"),
}


@pytest.mark.parametrize(("error", "ahead", "documents", "wanted", "unwanted"), STEPS.values(), ids=STEPS)
def test_steps_follow_the_finding(
    error: str, ahead: int, documents: list[dict[str, object]], wanted: str, unwanted: str
) -> None:
    """What would be in vain is not asked for."""
    steps = " ".join(step.step for step in _incident(CALL + error, *documents, ahead=ahead).remediation)

    assert wanted in steps
    assert unwanted not in steps


def test_other_causes_have_no_findings() -> None:
    """Whatever certificates there are."""
    assert [] == _findings(only(back_off(0, 200, "hanging"), _snapshot(conversion_crd(OLD_CA), _kept(ENDED, OLD_CA))))


WATCHED: dict[str, tuple[float, list[str]]] = {
    "it showed the Secret during the trouble": (100, ["stale_served_certificate", "expired"]),
    "it showed the Secret after the last failure": (500, ["expired", "snapshot_is_later"]),
}


@pytest.mark.parametrize(("seconds", "findings"), WATCHED.values(), ids=WATCHED)
def test_watch_shows_since_when_a_secret_is_as_it_is(seconds: float, findings: list[str]) -> None:
    """Its certificate is young, and nothing else tells when it came."""
    shown = _snapshot(conversion_crd(OLD_CA), _kept(JUST_MADE, OLD_CA))
    watched = [msgspec.structs.replace(one, at=at(seconds), latest_at=None) for one in shown]
    assert findings == _findings(only(_at_clock(back_off(0, 200, CALL + END), 0), watched))


@pytest.mark.parametrize(("seconds", "finding"), [(100, "stale_served_certificate"), (500, "snapshot_is_later")])
def test_watch_shows_since_when_a_bundle_is_as_it_is(seconds: float, finding: str) -> None:
    """Secret and caBundle fit each other, and another certificate was refused."""
    shown = _snapshot(conversion_crd(OLD_CA), _kept(OF_OLD, OLD_CA))
    watched = [msgspec.structs.replace(one, at=at(seconds), latest_at=None) for one in shown]
    assert [finding] == _findings(only(_at_clock(back_off(0, 200, CALL + UNTRUSTED), 0), watched))
