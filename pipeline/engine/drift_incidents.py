"""Drift as an incident: what is told of a Rollout whose numbers do not fit, though no failure is known. Pure.

It blames nobody: numbers say that something is wrong, and never who did it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from parsers.events import ObjectKey
from pipeline.engine.clusters import ClusterState
from pipeline.engine.drift import drift_of, explain
from pipeline.engine.drift_clock import Held
from pipeline.engine.drift_evidence import evidence_of
from pipeline.engine.drift_steps import missing_of, remediation_of
from pipeline.engine.incidents import (
    NOT_ESTABLISHED,
    CauseFacts,
    ControllerFacts,
    Coverage,
    Incident,
    Suspect,
    TimelineEntry,
    Transition,
    Victim,
)
from pipeline.engine.informers import ControllerView, Verdict, points_against, points_for
from pipeline.engine.labels import labels_of
from pipeline.engine.misfits import OF_STATUS, MisfitKind, Scene
from pipeline.engine.phrases import moment_text
from pipeline.engine.prior_changes import changes_in_objects, nearest_before
from pipeline.engine.remedies import runbook_of
from pipeline.engine.settings import EngineSettings

RUNBOOK: Final = "drift"
STALE_RUNBOOK: Final = "stale_informer"
"""Stand where a class stands in the address of the page to read."""
NUMBERS: Final = "numbers_do_not_fit"
STALE: Final = "stale_informer_suspected"
_ORDER = list(MisfitKind)


class Finding(msgspec.Struct, frozen=True):
    """What there is to tell of one Rollout."""

    key: ObjectKey
    scene: Scene
    held: tuple[Held, ...]  # everything that does not fit, what is told first first
    view: ControllerView | None  # of its controller, where the status was not written
    at: datetime  # of the newest of all this
    opened_at: datetime

    @property
    def since(self) -> datetime:
        """Since when it has not fitted."""
        return min(one.since for one in self.held)

    @property
    def is_stale(self) -> bool:
        """Whether an informer that is behind is suspected."""
        return self.view is not None and self.view.verdict is Verdict.SUSPECTED

    @property
    def reason(self) -> str:
        """Why it is told."""
        return STALE if self.is_stale else NUMBERS


def ordered(held: Iterable[Held]) -> tuple[Held, ...]:
    """What is told first, first."""
    return tuple(sorted(held, key=lambda one: _ORDER.index(one.misfit.kind)))


def begun(finding: Finding, state: ClusterState, cluster: str, settings: EngineSettings) -> Incident:
    """The incident, as first revision."""
    key = finding.key
    victim = _victim(finding)
    controller = _controller_of(state)
    evidence = evidence_of(finding.scene, state.inventory())
    return Incident(
        id=_digest(f"{cluster}\ndrift {key}\n{finding.opened_at.isoformat()}")[:20],
        fingerprint=_digest(f"drift\n{key}\n{finding.reason}")[:16],
        revision=1,
        transition=Transition("opened", finding.reason),
        kind="drift",
        status="open",
        severity="warning",
        title=_title(finding),
        summary=_summary(finding, victim.drift or {}),
        cluster=cluster or None,
        controller=controller,
        opened_at=finding.opened_at,
        updated_at=finding.at,
        resolved_at=None,
        merged_into=None,
        cause=_cause(finding, state, controller.namespace),
        victims=(victim,),
        evidence=evidence,
        evidence_omitted_count=0,
        timeline=tuple(_timeline(finding, state)),
        remediation=tuple(remediation_of(finding.key, finding.scene, finding.held, is_stale=finding.is_stale)),
        runbook_url=runbook_of(STALE_RUNBOOK if finding.is_stale else RUNBOOK, settings.runbook_url),
        coverage=Coverage(not_read=tuple(f"{name}: {why}" for name, why in sorted(state.objects.unread.items()))),
        labels=labels_of((victim,), state.inventory()),
    )


def going_on(old: Incident, newest: Incident) -> Incident:
    """The same incident with the facts of now."""
    return msgspec.structs.replace(
        newest, id=old.id, revision=old.revision, transition=old.transition, opened_at=old.opened_at
    )


def changed(old: Incident, name: str, reason: str) -> Incident:
    """The same incident in a new revision."""
    transition = Transition(name, reason)  # type: ignore[arg-type]  # of the closed set
    return msgspec.structs.replace(old, revision=old.revision + 1, transition=transition)


def ended(old: Incident, at: datetime, reason: str) -> Incident:
    """The same incident when it is over."""
    at = max(at, old.opened_at)
    over = TimelineEntry(at, f"it is over ({reason})", "trouble")
    return msgspec.structs.replace(
        changed(old, "resolved", reason),
        status="resolved",
        updated_at=max(at, old.updated_at),
        resolved_at=at,
        victims=tuple(msgspec.structs.replace(victim, recovered_at=at) for victim in old.victims),
        timeline=(*old.timeline, over),
    )


def merged(old: Incident, into: str, at: datetime, reason: str = "victim_is_stuck") -> Incident:
    """The same incident when another one tells of it."""
    return msgspec.structs.replace(
        changed(old, "merged", reason),
        status="merged",
        merged_into=into,
        updated_at=max(at, old.updated_at),
        resolved_at=at,
    )


def _title(finding: Finding) -> str:
    what = finding.held[0].misfit.what
    if finding.is_stale:
        return f"{finding.key}: its controller may not see how it is by now ({_of_status(finding).misfit.what})"
    return f"{finding.key}: its numbers do not fit, no failure is known ({what})"


def _of_status(finding: Finding) -> Held:
    return next(one for one in finding.held if one.misfit.kind in OF_STATUS)


def _summary(finding: Finding, numbers: dict[str, int]) -> str:
    parts = [f"Since {moment_text(one.since)}: {one.misfit.what}." for one in finding.held]
    parts.append(f"In all: {explain(numbers, '')}.")
    if finding.is_stale:
        parts.append(
            "The controller is heard and says nothing of this Rollout: what it sees of it may be old. "
            "That is a suspicion, which a restart of the controller puts to the test."
        )
    parts.append("No failure of it is known, and nobody is blamed.")
    return " ".join(parts)


def _victim(finding: Finding) -> Victim:
    scene, key = finding.scene, finding.key
    drift = drift_of(scene.rollout, list(scene.replica_sets), scene.hpa)
    if drift.available is None:  # a zero is left out of the status
        drift = msgspec.structs.replace(drift, available=0)
    return Victim(
        kind="rollout",
        namespace=key.namespace or None,
        name=key.name,
        retries=None,
        last_retries=None,
        retries_per_second=None,
        failures=0,
        first_seen_at=finding.since,
        last_seen_at=finding.at,
        stuck_since_at=finding.since,
        stuck_since_is_estimate=False,
        recovered_at=None,
        pace="unknown",
        last_error=None,
        is_stale=False,
        drift=drift.as_numbers(),
    )


def _controller_of(state: ClusterState) -> ControllerFacts:
    known = [(one.last_at, origin, one) for origin, one in state.origins.items() if one.is_controller]
    newest_first = sorted(known, key=lambda one: one[:2], reverse=True)
    return ControllerFacts(
        namespace=next((origin.namespace for _, origin, _ in newest_first if origin.namespace), None),
        version=next((one.version for _, _, one in newest_first if one.version), None),
    )


def _cause(finding: Finding, state: ClusterState, controller_namespace: str | None) -> CauseFacts:
    return msgspec.structs.replace(
        NOT_ESTABLISHED,
        suspects=tuple(_suspects(finding)),
        missing=tuple(missing_of(finding.key, finding.scene, finding.held, finding.view, state, controller_namespace)),
    )


def _suspects(finding: Finding) -> Iterator[Suspect]:
    """An informer that is behind accuses nobody: it is a state of the controller's process."""
    if not finding.is_stale or finding.view is None:
        return
    held = _of_status(finding)
    yield Suspect(
        failure_class="unknown",
        culprit=None,
        text="the controller may work with an old version of the object",
        first_seen_at=held.since,
        last_seen_at=finding.at,
        count=1,
        in_favour=tuple(points_for(finding.view, held.misfit.what, held.since)),
        against=tuple(points_against()),
    )


def _timeline(finding: Finding, state: ClusterState) -> Iterator[TimelineEntry]:
    changes = nearest_before(finding.since, changes_in_objects([finding.key], [], state.inventory()))
    entries = {(one.at, one.what, one.category) for one in changes}
    entries |= {(one.since, f"does not fit any more: {one.misfit.what}", "trouble") for one in finding.held}
    entries.add((finding.opened_at, "it has lasted long enough to be told", "trouble"))
    yield from (TimelineEntry(*entry) for entry in sorted(entries))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
