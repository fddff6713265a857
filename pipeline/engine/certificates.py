"""The certificate behind a cause: what is known of it, what is wrong with it, and since when."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.events import CertificateFacts
from parsers.facts.certificates import CertificateInfo
from parsers.facts.references import ServiceRef
from pipeline.engine.causes import Cause
from pipeline.engine.certificate_clocks import judge_message
from pipeline.engine.certificate_objects import Comparison, compare
from pipeline.engine.certificate_scene import CertificateScene
from pipeline.engine.incidents import CertificateFinding, CertificateOfCause, Victim
from pipeline.engine.inventory import Inventory, service_ref_of


class Assessment(msgspec.Struct, frozen=True):
    """The certificate of a cause; nothing for causes without one."""

    certificate: CertificateOfCause | None = None
    findings: tuple[CertificateFinding, ...] = ()  # the decisive one first

    @property
    def decisive(self) -> str:
        """The finding that says what to do; empty where there is none."""
        return self.findings[0].finding if self.findings else ""


def assess(cause: Cause, victims: tuple[Victim, ...], inventory: Inventory, skew_seconds: float) -> Assessment:
    """Judge the certificate of a cause by its message, the clocks and the objects.

    Args:
        cause: of the trouble.
        victims: tell when it began and was seen last.
        inventory: the objects; may be empty.
        skew_seconds: how far clocks may differ.
    """
    failure = cause.failure
    if failure is None or not cause.is_established:
        return Assessment()
    if not failure.failure_class.startswith("tls."):
        return Assessment(_facts_of(failure.certificate or CertificateFacts(), Comparison(), None))
    scene = CertificateScene(
        failure=failure,
        service=_service_of(cause),
        onset_at=min(victim.stuck_since_at for victim in victims),
        first_failed_at=min(victim.first_seen_at for victim in victims),
        last_failed_at=max(victim.last_seen_at for victim in victims),
        leases_renewed_at=inventory.leases_renewed_at(),
    )
    findings = judge_message(scene, skew_seconds)
    is_skewed = bool(findings) and findings[0].finding == "clock_skew"
    found = Comparison() if is_skewed else compare(scene, inventory)
    since = None if is_skewed else _at_fault_since(scene, found)
    return Assessment(_facts_of(scene.facts, found, _age(scene, since)), _merged(findings, found))


def _service_of(cause: Cause) -> ServiceRef | None:
    culprit = cause.culprit
    if culprit is not None and culprit.kind == "Service" and culprit.namespace:
        return ServiceRef(namespace=culprit.namespace, name=culprit.name)
    return service_ref_of(cause.failure.service or "") if cause.failure is not None else None


def _at_fault_since(scene: CertificateScene, found: Comparison) -> datetime | None:
    return found.at_fault_since or scene.not_after


def _age(scene: CertificateScene, since: datetime | None) -> int | None:
    """Seconds; None where the fault is not known, or its time lies behind the beginning of the trouble."""
    age = (scene.onset_at - since).total_seconds() if since is not None else -1.0
    return round(age) if age >= 0 else None


def _merged(findings: tuple[CertificateFinding, ...], found: Comparison) -> tuple[CertificateFinding, ...]:
    """What the objects tell before what the message does, which it explains; of an end only the deeper one."""
    own = tuple(msgspec.structs.replace(one, objects=found.objects) for one in findings)
    if found.finding is None:
        return own
    if found.finding.finding == "authority_expired":
        return (found.finding, *(one for one in findings if one.finding != "expired"))
    return (*findings, found.finding) if found.finding.finding == "snapshot_is_later" else (found.finding, *findings)


def _facts_of(message: CertificateFacts, found: Comparison, age: int | None) -> CertificateOfCause | None:
    """What the message says, and what it leaves open from the object that holds the certificate."""
    if message == CertificateFacts() and found.certificate is None:
        return None
    kept = found.certificate
    return CertificateOfCause(
        not_after=message.not_after or (_time(kept.not_after) if kept else None),
        not_before=message.not_before or (_time(kept.not_before) if kept else None),
        clock=message.clock,
        valid_names=message.valid_names or (_names(kept) if kept else ()),
        wanted_name=message.wanted_name,
        candidate_authority=message.candidate_authority,
        serial_number=message.serial_number or (kept.serial_number if kept else None),
        subject=message.subject or (kept.subject if kept else None),
        issuer=kept.issuer if kept else None,
        age_at_onset_seconds=age,
        clock_ahead_seconds=message.clock_ahead_seconds,
    )


def _names(certificate: CertificateInfo) -> tuple[str, ...]:
    return (*certificate.dns_names, *certificate.ip_addresses)


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
