"""From a trouble to the incident that is shown: facts, evidence, words. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from parsers.events import Failure
from parsers.records import Origin
from parsers.rules.model import RuleSet
from pipeline.engine.backoff import pace_of
from pipeline.engine.causes import Cause
from pipeline.engine.certificates import Assessment, assess
from pipeline.engine.clusters import ClusterState
from pipeline.engine.culprits import Culprit
from pipeline.engine.gaps import missing_of
from pipeline.engine.grouping import Member, Trouble
from pipeline.engine.incidents import (
    CauseFacts,
    ControllerFacts,
    Coverage,
    CulpritFacts,
    Evidence,
    Incident,
    LineProvenance,
    Severity,
    Transition,
    Victim,
    WebhookFacts,
)
from pipeline.engine.labels import labels_of
from pipeline.engine.leaders import find_leadership, leader_of
from pipeline.engine.pod_names import workload_of
from pipeline.engine.relations import relations_of
from pipeline.engine.remedies import remediation_of, runbook_of
from pipeline.engine.settings import EngineSettings
from pipeline.engine.spells import Onset, expected_wait, onset_of, retries_per_second
from pipeline.engine.surroundings import Surroundings
from pipeline.engine.suspects import suspects_of
from pipeline.engine.symptoms import symptoms_of
from pipeline.engine.tallies import Sighting, Tally
from pipeline.engine.timeline import timeline_of
from pipeline.engine.victim_numbers import numbers_of
from pipeline.engine.wording import summary_of, title_of


def incident_id(cluster: str, victim: str, opened_at: datetime) -> str:
    """The id of an incident: a hash of cluster, first victim and the time when it opened."""
    text = f"{cluster}\n{victim}\n{opened_at.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def compose(
    trouble: Trouble, around: Surroundings, cluster: str, settings: EngineSettings, rules: RuleSet, now: datetime
) -> Incident:
    """The incident of a trouble, as first revision; the life cycle fills in what depends on earlier ones."""
    state = around.state
    victims = _victims_of(trouble, around, settings, now)
    assessment = assess(trouble.cause, victims, state.inventory(), settings.clock_skew_seconds)
    controller = _controller_of(trouble, state)
    evidence, omitted = _evidence_of(trouble, settings.max_evidence)
    cause = _cause_facts(trouble, victims, around, assessment)
    is_over = trouble.ended_at is not None
    updated_at = max(
        [trouble.opened_at, *(item.at for item in evidence), *([trouble.ended_at] if trouble.ended_at else [])]
    )
    return Incident(
        id=incident_id(cluster, trouble.first, trouble.opened_at),
        fingerprint=_fingerprint(trouble.cause),
        revision=1,
        transition=Transition("resolved", _end_reason(trouble)) if is_over else Transition("opened", "runaway"),
        kind="stuck" if trouble.members else "controller",
        status="resolved" if is_over else "open",
        severity=_severity(trouble, victims, settings, now),
        title=title_of(trouble, victims, assessment.decisive),
        summary=summary_of(trouble, victims, cause, rules),
        cluster=cluster or None,
        controller=controller,
        opened_at=trouble.opened_at,
        updated_at=updated_at,
        resolved_at=trouble.ended_at,
        merged_into=None,
        cause=cause,
        victims=victims,
        evidence=evidence,
        evidence_omitted_count=omitted,
        timeline=timeline_of(trouble, around),
        remediation=remediation_of(trouble.cause, victims, rules, controller.namespace, assessment.decisive),
        runbook_url=runbook_of(trouble.cause.failure_class, settings.runbook_url),
        coverage=Coverage(not_read=tuple(f"{kind}: {why}" for kind, why in sorted(state.objects.unread.items()))),
        labels=labels_of(victims, around.inventory),
    )


def _fingerprint(cause: Cause) -> str:
    return hashlib.sha256(f"{cause.failure_class}\n{cause.identity}".encode()).hexdigest()[:16]


def _end_reason(trouble: Trouble) -> str:
    last = max(
        (member for member in trouble.members if member.end),
        key=lambda one: one.ended_at or one.opened_at,
        default=None,
    )
    return last.end.value if last is not None and last.end is not None else "controller_works"


def _victims_of(trouble: Trouble, around: Surroundings, settings: EngineSettings, now: datetime) -> tuple[Victim, ...]:
    by_key: dict[object, list[Member]] = {}
    for member in trouble.members:
        by_key.setdefault(member.key, []).append(member)
    victims = []
    for members in by_key.values():
        victim = _victim(members, settings, now)
        is_blocked = any(member.spell.is_blocked for member in members)
        numbers = numbers_of(victim, members[0].key, around, is_blocked=is_blocked)
        victims.append(msgspec.structs.replace(victim, drift=numbers))
    if not victims and trouble.controller is not None:
        victims = [_controller_victim(trouble)]
    return tuple(sorted(victims, key=lambda victim: (victim.kind, victim.namespace or "", victim.name or "")))


def _victim(members: Sequence[Member], settings: EngineSettings, now: datetime) -> Victim:
    ordered = sorted(members, key=lambda member: member.spell.first_at)
    first, last = ordered[0], ordered[-1]
    onset: Onset = onset_of(first.spell)
    newest = last.spell.newest
    slope = retries_per_second(newest)
    counts = [member.spell.max_count for member in ordered if member.spell.max_count is not None]
    tally = max(last.spell.tallies(), key=lambda one: one.last, default=None)
    silent_seconds = (now - last.spell.last_at).total_seconds()
    is_stale = last.ended_at is None and silent_seconds > max(settings.stale_seconds, 3 * expected_wait(last.spell))
    return Victim(
        kind=first.key.kind,  # type: ignore[arg-type]  # kinds of keys are a subset
        namespace=first.key.namespace or None,
        name=first.key.name,
        retries=max(counts, default=None),
        last_retries=last.spell.last_count,
        retries_per_second=round(slope, 4) if slope is not None else None,
        failures=sum(member.spell.failures for member in ordered),
        first_seen_at=first.spell.first_at,
        last_seen_at=last.spell.last_at,
        stuck_since_at=onset.at,
        stuck_since_is_estimate=onset.is_estimate,
        recovered_at=last.ended_at,
        pace=pace_of(slope, newest.last_count).value,
        last_error=tally.last_text if tally is not None else None,
        is_stale=is_stale and not last.spell.is_blocked,
    )


def _controller_victim(trouble: Trouble) -> Victim:
    controller = trouble.controller
    assert controller is not None
    last = max(controller.tallies, key=lambda tally: tally.last)
    origin = last.last.origin
    return Victim(
        kind="controller",
        namespace=origin.namespace or None,
        name=origin.pod or None,
        retries=None,
        last_retries=None,
        retries_per_second=None,
        failures=sum(tally.count for tally in controller.tallies),
        first_seen_at=controller.first_at,
        last_seen_at=controller.last_at,
        stuck_since_at=controller.first_at,
        stuck_since_is_estimate=False,
        recovered_at=controller.ended_at,
        pace="unknown",
        last_error=last.last_text,
        is_stale=False,
    )


def _severity(trouble: Trouble, victims: Sequence[Victim], settings: EngineSettings, now: datetime) -> Severity:
    """See SeverityRule; a controller that cannot work stops every rollout and is always critical."""
    rule = settings.severity
    since = min(victim.stuck_since_at for victim in victims)
    age = ((trouble.ended_at or now) - since).total_seconds()
    namespaces = {victim.namespace for victim in victims}
    is_critical = (
        not trouble.members
        or len(victims) >= rule.critical_victims
        or len(namespaces) >= rule.critical_namespaces
        or age >= rule.critical_seconds
    )
    return "critical" if is_critical else "warning"


def _controller_of(trouble: Trouble, state: ClusterState) -> ControllerFacts:
    """Of the controller that wrote the newest of the lines."""
    origins = {tally.last.origin for tally in _tallies_of(trouble)}
    origins |= {streak_origin for member in trouble.members for streak_origin in state.keys.get(member.key, ())}
    known = [origin for origin in origins if origin in state.origins and state.origins[origin].is_controller]
    newest_first = sorted(known, key=lambda origin: (state.origins[origin].last_at, origin), reverse=True)
    placed = next((origin for origin in newest_first if origin.namespace), None)
    return ControllerFacts(
        namespace=placed.namespace if placed is not None else None,
        version=next((version for origin in newest_first if (version := state.origins[origin].version)), None),
        leader=_leader_beside(placed, state) if placed is not None else msgspec.UNSET,
    )


def _leader_beside(origin: Origin, state: ClusterState) -> str | msgspec.UnsetType:
    leases = state.inventory().leases()
    return leader_of(find_leadership(leases, state.origins, origin.namespace, workload_of(origin.pod)))


def _tallies_of(trouble: Trouble) -> list[Tally]:
    tallies = [tally for member in trouble.members for tally in member.spell.tallies()]
    if trouble.controller is not None:
        tallies += trouble.controller.tallies
    return tallies + [tally for member in trouble.members for tally in member.cause.evidence]


def _cause_facts(
    trouble: Trouble, victims: Sequence[Victim], around: Surroundings, assessment: Assessment
) -> CauseFacts:
    cause = trouble.cause
    failure = cause.failure
    chain = failure.chain or (failure.text,) if failure is not None else ()
    return CauseFacts(
        failure_class=cause.failure_class,
        established=cause.is_established,
        basis=cause.basis.value,
        chain=tuple(chain),
        culprit=_culprit_facts(cause.culprit) if cause.culprit is not None else None,
        webhook=_webhook_facts(failure) if failure is not None and cause.is_established else None,
        certificate=assessment.certificate,
        symptoms=symptoms_of(trouble, around),
        suspects=suspects_of(trouble, around),
        missing=missing_of(cause, victims, _controller_of(trouble, around.state).namespace, around),
        findings=assessment.findings,
        relations=relations_of(trouble, around.inventory),
    )


def _culprit_facts(culprit: Culprit) -> CulpritFacts:
    return CulpritFacts(culprit.kind, culprit.name or None, culprit.namespace or None, culprit.host or None)


def _webhook_facts(failure: Failure) -> WebhookFacts | None:
    if failure.webhook is None and not failure.is_conversion:
        return None
    return WebhookFacts(
        type="conversion" if failure.is_conversion else "admission",
        name=failure.webhook,
        service=failure.service,
        kind=failure.kind,
    )


def _evidence_of(trouble: Trouble, limit: int) -> tuple[tuple[Evidence, ...], int]:
    """First and last line of every kind of failure; the middle is counted."""
    lines: dict[Sighting, tuple[str, str]] = {}
    total = 0
    for tally in _tallies_of(trouble):
        total += tally.count
        lines.setdefault(tally.first, (tally.failure.text, tally.failure.rule))
        lines.setdefault(tally.last, (tally.last_text or tally.failure.text, tally.failure.rule))
    ordered = sorted(lines)
    kept = ordered if len(ordered) <= limit else [*ordered[: limit // 2], *ordered[-(limit - limit // 2) :]]
    evidence = tuple(_evidence(seen, *lines[seen]) for seen in kept)
    return evidence, max(0, total - len(evidence))


def _evidence(seen: Sighting, text: str, rule: str) -> Evidence:
    origin = seen.origin
    place = LineProvenance(
        source=origin.source, line=seen.line, pod=origin.pod or None, container=origin.container or None
    )
    return Evidence(at=seen.at, text=text, rule=rule, provenance=place)
