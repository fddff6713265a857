"""A controller that does not renew its Lease, and the Rollouts that wait for it, as one incident. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from parsers.events import ObjectKey
from parsers.facts.rollouts import RolloutFacts
from pipeline.engine.clusters import ClusterState
from pipeline.engine.drift import drift_of
from pipeline.engine.drift_clock import Held
from pipeline.engine.drift_scenes import ref_of
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
from pipeline.engine.leaders import LOCK, host_of_holder
from pipeline.engine.lease_silence import LeaseWatched
from pipeline.engine.outage_steps import remediation_of
from pipeline.engine.phrases import moment_text
from pipeline.engine.remedies import runbook_of
from pipeline.engine.settings import EngineSettings

CLASS: Final = "leader_election"
RULE: Final = "objects"
"""Stands in the place of a rule."""
SILENT: Final = "controller_silent"
"""Why it is told."""
MAX_NAMED: Final = 5
MAX_EVIDENCE: Final = 20
_CONTROLLERS: Final = {LOCK: "the Argo Rollouts controller"}
_WORK: Final = {LOCK: "nobody scales ReplicaSets, steers traffic or writes the status of Rollouts"}
_MANAGERS_WORK: Final = "nobody creates or deletes pods of ReplicaSets, counts them, or follows HPAs"


class Outage(msgspec.Struct, frozen=True):
    """What there is to tell."""

    lease: LeaseWatched
    held: Mapping[ObjectKey, Sequence[Held]]  # what does not fit since it was renewed last
    opened_at: datetime
    at: datetime

    @property
    def who(self) -> str:
        """The controller in a sentence."""
        return _CONTROLLERS.get(self.lease.ref.name, self.lease.ref.name)

    @property
    def work(self) -> str:
        """What is not done."""
        return _WORK.get(self.lease.ref.name, _MANAGERS_WORK)


def begun(outage: Outage, state: ClusterState, cluster: str, settings: EngineSettings) -> Incident:
    """The incident, as first revision."""
    ref = outage.lease.ref
    identity = f"outage {ref}\n{outage.lease.alive_at.isoformat()}"
    victims = tuple(_victim(key, held, state, outage.at) for key, held in sorted(outage.held.items()))
    return Incident(
        id=_digest(f"{cluster}\n{identity}")[:20],
        fingerprint=_digest(f"outage\n{ref}")[:16],
        revision=1,
        transition=Transition("opened", SILENT),
        kind="drift",
        status="open",
        severity=_severity(victims, settings),
        title=_title(outage),
        summary=_summary(outage),
        cluster=cluster or None,
        controller=ControllerFacts(namespace=ref.namespace) if ref.name == LOCK else ControllerFacts(),
        opened_at=outage.opened_at,
        updated_at=outage.opened_at,
        resolved_at=None,
        merged_into=None,
        cause=_cause(outage),
        victims=victims,
        evidence=tuple(_evidence(outage)),
        evidence_omitted_count=max(0, len(outage.held) - MAX_EVIDENCE),
        timeline=tuple(_timeline(outage)),
        remediation=tuple(remediation_of(ref)),
        runbook_url=runbook_of(CLASS, settings.runbook_url),
        coverage=Coverage(not_read=tuple(f"{name}: {why}" for name, why in sorted(state.objects.unread.items()))),
        labels=labels_of(victims, state.inventory()),
    )


def going_on(old: Incident, newest: Incident) -> Incident:
    """The same incident with the facts of now; who has recovered stays a victim. Told again for new victims only."""
    now = {(one.namespace, one.name) for one in newest.victims}
    before = {(one.namespace, one.name): one for one in old.victims}
    recovered = [
        msgspec.structs.replace(one, recovered_at=one.recovered_at or newest.victims[0].last_seen_at)
        for place, one in before.items()
        if place not in now
    ]
    kept = [
        msgspec.structs.replace(one, last_seen_at=before[place].last_seen_at) if place in before else one
        for one in newest.victims
        for place in [(one.namespace, one.name)]
    ]
    victims = tuple(sorted((*kept, *recovered), key=lambda one: (one.namespace or "", one.name or "")))
    same = msgspec.structs.replace(
        newest,
        id=old.id,
        revision=old.revision,
        transition=old.transition,
        opened_at=old.opened_at,
        updated_at=old.updated_at,
        victims=victims,
    )
    if now <= before.keys():
        return same
    return msgspec.structs.replace(
        same,
        revision=old.revision + 1,
        transition=Transition("updated", "new_victim"),
        updated_at=max(one.last_seen_at for one in newest.victims),
    )


def ended(old: Incident, at: datetime, reason: str) -> Incident:
    """The same incident when it is over."""
    at = max(at, old.opened_at)
    over = TimelineEntry(at, f"it is over ({reason})", "trouble")
    return msgspec.structs.replace(
        old,
        revision=old.revision + 1,
        transition=Transition("resolved", reason),
        status="resolved",
        updated_at=max(at, old.updated_at),
        resolved_at=at,
        victims=tuple(msgspec.structs.replace(one, recovered_at=one.recovered_at or at) for one in old.victims),
        timeline=(*old.timeline, over),
    )


def _severity(victims: Sequence[Victim], settings: EngineSettings) -> Severity:
    rule, namespaces = settings.severity, {one.namespace for one in victims}
    is_critical = len(victims) >= rule.critical_victims or len(namespaces) >= rule.critical_namespaces
    return "critical" if is_critical else "warning"


def _title(outage: Outage) -> str:
    names = sorted(outage.held)
    shown = ", ".join(f"{key.namespace}/{key.name}" for key in names[:MAX_NAMED])
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{outage.who} does not renew its Lease: the numbers of {len(names)} rollouts do not fit ({shown}{more})"


def _summary(outage: Outage) -> str:
    lease, first = outage.lease, min(outage.held)
    return (
        f"{lease.ref} was renewed last about {moment_text(lease.alive_at)}, by {lease.holder or 'nobody'}, while it "
        f"was watched: {outage.who} does not work, so {outage.work}. What does not fit became so after that, as of "
        f"{first}: {outage.held[first][0].misfit.what}."
    )


def _cause(outage: Outage) -> CauseFacts:
    ref = outage.lease.ref
    return CauseFacts(
        failure_class=CLASS,
        established=True,
        basis="relation",
        chain=(
            f"the numbers of {len(outage.held)} rollouts do not fit",
            outage.work,
            f"{ref} is not renewed any more; its holder was {outage.lease.holder or 'nobody'}",
        ),
        culprit=CulpritFacts("Lease", ref.name, ref.namespace, host_of_holder(outage.lease.holder) or None),
        webhook=None,
        certificate=None,
        relations=tuple(
            Relation(str(ref_of(key)), str(ref), "what does not fit is the work of the Lease's holder")
            for key in sorted(outage.held)[:MAX_EVIDENCE]
        ),
    )


def _victim(key: ObjectKey, held: Sequence[Held], state: ClusterState, at: datetime) -> Victim:
    inventory, since = state.inventory(), min(one.since for one in held)
    rollout = inventory.rollout(key)
    return Victim(
        kind="rollout",
        namespace=key.namespace or None,
        name=key.name,
        retries=None,
        last_retries=None,
        retries_per_second=None,
        failures=0,
        first_seen_at=since,
        last_seen_at=at,
        stuck_since_at=since,
        stuck_since_is_estimate=False,
        recovered_at=None,
        pace="unknown",
        last_error=None,
        is_stale=False,
        drift=_numbers(rollout, state) if rollout is not None else None,
    )


def _numbers(rollout: RolloutFacts, state: ClusterState) -> dict[str, int]:
    inventory = state.inventory()
    return drift_of(rollout, inventory.replica_sets(rollout.ref), inventory.autoscaler(rollout.ref)).as_numbers()


def _evidence(outage: Outage) -> Iterator[Evidence]:
    lease = outage.lease
    text = f"{lease.ref}: renewed last about {moment_text(lease.alive_at)}, holder {lease.holder or 'nobody'}"
    yield Evidence(lease.alive_at, text, RULE, LineProvenance(str(lease.ref), 0))
    for key in sorted(outage.held, key=lambda one: (outage.held[one][0].since, one))[:MAX_EVIDENCE]:
        first = outage.held[key][0]
        yield Evidence(first.since, f"{ref_of(key)}: {first.misfit.what}", RULE, LineProvenance(str(ref_of(key)), 0))


def _timeline(outage: Outage) -> Iterator[TimelineEntry]:
    lease = outage.lease
    entries = {(lease.alive_at, f"{lease.ref} is renewed for the last time, within half a minute", "lease")}
    for key in sorted(outage.held)[:MAX_EVIDENCE]:
        entries |= {
            (one.since, f"{key} does not fit any more: {one.misfit.what}", "trouble") for one in outage.held[key]
        }
    entries.add((outage.opened_at, "it has lasted long enough to be told", "trouble"))
    yield from (TimelineEntry(at, what, category) for at, what, category in sorted(entries))  # type: ignore[arg-type]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
