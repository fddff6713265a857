"""An AnalysisRun that has ended an update, or holds it, as an incident. Pure.

The analysis does its work, so nothing is broken for certain: it is told because somebody has to decide, and because a
Rollout that waits looks stuck.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

import msgspec

from parsers.events import ObjectKey
from parsers.facts.analysis_runs import AnalysisRunFacts, MetricFacts
from parsers.facts.rollouts import RolloutFacts
from pipeline.engine.analysis_halts import INCONCLUSIVE, Halt
from pipeline.engine.analysis_steps import remediation_of
from pipeline.engine.clusters import ClusterState
from pipeline.engine.drift import drift_of
from pipeline.engine.incidents import (
    CauseFacts,
    ControllerFacts,
    Coverage,
    CulpritFacts,
    Evidence,
    Incident,
    LineProvenance,
    Relation,
    Severity,
    TimelineEntry,
    Transition,
    Victim,
)
from pipeline.engine.labels import labels_of
from pipeline.engine.phrases import moment_text
from pipeline.engine.prior_changes import changes_in_objects, nearest_before
from pipeline.engine.remedies import runbook_of
from pipeline.engine.settings import AnalysisSeverity, EngineSettings

CLASS: Final = "analysis"
"""Of the cause, and the page to read. Rules cannot use it: no message is read."""
RULE: Final = "objects"
"""Stands in the place of a rule."""
MAX_CHARS: Final = 300
_SEVERITIES: Final[dict[AnalysisSeverity, Severity]] = {
    AnalysisSeverity.CRITICAL: "critical",
    AnalysisSeverity.INFO: "info",
}
_DOES: Final = {"Failed": "failed", "Error": "could not measure", INCONCLUSIVE: "is inconclusive"}


class Finding(msgspec.Struct, frozen=True):
    """What there is to tell of one Rollout."""

    key: ObjectKey
    rollout: RolloutFacts
    halt: Halt
    run: AnalysisRunFacts | None  # None: it was not read
    since: datetime
    opened_at: datetime  # later where another incident told of the Rollout first

    @property
    def name(self) -> str:
        """Of the run."""
        return self.halt.run.name if self.halt.run is not None else ""

    @property
    def who(self) -> str:
        """The run in a sentence."""
        return str(self.halt.run) if self.halt.run is not None else "an AnalysisRun"

    @property
    def effect(self) -> str:
        """What it does to the Rollout."""
        return "its update was aborted" if self.halt.is_abort else "it is paused"


def begun(finding: Finding, state: ClusterState, cluster: str, settings: EngineSettings) -> Incident:
    """The incident, as first revision."""
    identity = f"analysis {finding.key}\n{finding.name}\n{finding.halt.is_abort}"
    victim = _victim(finding, state)
    return Incident(
        id=_digest(f"{cluster}\n{identity}\n{finding.opened_at.isoformat()}")[:20],
        fingerprint=_digest(identity)[:16],
        revision=1,
        transition=Transition("opened", f"analysis_{finding.halt.phase.lower()}"),
        kind="analysis",
        status="open",
        severity=_SEVERITIES.get(settings.analysis_severity, "warning"),
        title=_title(finding),
        summary=_summary(finding),
        cluster=cluster or None,
        controller=ControllerFacts(),
        opened_at=finding.opened_at,
        updated_at=finding.opened_at,
        resolved_at=None,
        merged_into=None,
        cause=_cause(finding),
        victims=(victim,),
        evidence=tuple(_evidence(finding)),
        evidence_omitted_count=0,
        timeline=tuple(_timeline(finding, state)),
        remediation=tuple(remediation_of(finding.key, finding.halt)),
        runbook_url=runbook_of(CLASS, settings.runbook_url),
        coverage=Coverage(not_read=tuple(f"{name}: {why}" for name, why in sorted(state.objects.unread.items()))),
        labels=labels_of((victim,), state.inventory()),
    )


def going_on(old: Incident, newest: Incident) -> Incident:
    """The same incident with the facts of now."""
    return msgspec.structs.replace(
        newest, id=old.id, revision=old.revision, transition=old.transition, opened_at=old.opened_at
    )


def ended(old: Incident, at: datetime, reason: Literal["went_on", "deleted"]) -> Incident:
    """The same incident when the Rollout does not wait any more."""
    at = max(at, old.opened_at)
    return msgspec.structs.replace(
        old,
        revision=old.revision + 1,
        transition=Transition("resolved", reason),
        status="resolved",
        updated_at=max(at, old.updated_at),
        resolved_at=at,
        victims=tuple(msgspec.structs.replace(victim, recovered_at=at) for victim in old.victims),
        timeline=(*old.timeline, TimelineEntry(at, f"it is over ({reason})", "trouble")),
    )


def merged(old: Incident, into: str, at: datetime) -> Incident:
    """The same incident when another one tells of the Rollout."""
    return msgspec.structs.replace(
        old,
        revision=old.revision + 1,
        transition=Transition("merged", "victim_is_stuck"),
        status="merged",
        merged_into=into,
        updated_at=max(at, old.updated_at),
        resolved_at=at,
    )


def _title(finding: Finding) -> str:
    metrics = ", ".join(metric.name for metric in _metrics(finding))
    about = f" (metric {metrics})" if metrics else ""
    return f"{finding.key}: {finding.effect}, as {finding.who} {_DOES[finding.halt.phase]}{about}"


def _summary(finding: Finding) -> str:
    parts = [f"Since {moment_text(finding.since)} {finding.effect}: {finding.who} ended as {finding.halt.phase}."]
    parts += [f"{_metric_text(metric)}." for metric in _metrics(finding)]
    if finding.halt.reason:
        parts.append(f"The run says: {finding.halt.reason[:MAX_CHARS]}.")
    if finding.halt.is_abort:
        parts.append("The version before serves all; the new one stays at zero until somebody retries or replaces it.")
    else:
        parts.append("It stays as it is until somebody promotes or aborts it.")
    return " ".join(parts)


def _metrics(finding: Finding) -> tuple[MetricFacts, ...]:
    """Those that decided: with the phase of the run, else all that did not go well."""
    known = finding.run.metrics if finding.run is not None else ()
    return tuple(one for one in known if one.phase == finding.halt.phase) or known


def _metric_text(metric: MetricFacts) -> str:
    value = f", measured {metric.value}" if metric.value else ""
    said = f": {metric.message[:MAX_CHARS]}" if metric.message else ""
    return f"Metric {metric.name} is {metric.phase}{value}{said}"


def _cause(finding: Finding) -> CauseFacts:
    run = finding.halt.run
    link = Relation(str(finding.rollout.ref), finding.who, "its status, which repeats what the run says")
    return CauseFacts(
        failure_class=CLASS,
        established=True,
        basis="relation",
        chain=(
            f"{finding.key}: {finding.effect}",
            f"{finding.who} ended as {finding.halt.phase}",
            *(_metric_text(metric) for metric in _metrics(finding)),
        ),
        culprit=CulpritFacts("AnalysisRun", run.name, run.namespace, None) if run is not None else None,
        webhook=None,
        certificate=None,
        relations=(link,) if run is not None else (),
    )


def _victim(finding: Finding, state: ClusterState) -> Victim:
    inventory, rollout = state.inventory(), finding.rollout
    drift = drift_of(rollout, inventory.replica_sets(rollout.ref), inventory.autoscaler(rollout.ref))
    return Victim(
        kind="rollout",
        namespace=finding.key.namespace or None,
        name=finding.key.name,
        retries=None,
        last_retries=None,
        retries_per_second=None,
        failures=0,
        first_seen_at=finding.since,
        last_seen_at=finding.opened_at,
        stuck_since_at=finding.since,
        stuck_since_is_estimate=False,
        recovered_at=None,
        pace="unknown",
        last_error=None,
        is_stale=False,
        drift=drift.as_numbers(),
    )


def _evidence(finding: Finding) -> Iterator[Evidence]:
    rollout, run = finding.rollout, finding.run
    if run is not None:
        said = "; ".join(_metric_text(metric) for metric in _metrics(finding)) or finding.halt.reason[:MAX_CHARS]
        text = f"{run.ref}: phase {run.phase}: {said}"
        yield Evidence(run.ended_at or finding.since, text, RULE, LineProvenance(str(run.ref), 0))
    shown = f"phase {rollout.phase}, " if rollout.phase else ""
    text = f"{rollout.ref}: {shown}{'abort' if finding.halt.is_abort else 'paused'}: {rollout.message[:MAX_CHARS]}"
    yield Evidence(finding.since, text, RULE, LineProvenance(str(rollout.ref), 0))


def _timeline(finding: Finding, state: ClusterState) -> Iterator[TimelineEntry]:
    changes = nearest_before(finding.since, changes_in_objects([finding.key], [], state.inventory()))
    entries = {(one.at, one.what, one.category) for one in changes}
    entries.add((finding.since, f"{finding.key}: {finding.effect} by {finding.who}", "trouble"))
    yield from (TimelineEntry(*entry) for entry in sorted(entries))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
