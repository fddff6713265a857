"""Silence as an incident: what is told when whystuck does not hear a controller any more. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

import msgspec

from pipeline.engine.commands import ASSUMED_CONTROLLER_NAMESPACE, PATTERNS
from pipeline.engine.hearing import Hearing, Listened, Silence, SilenceKind
from pipeline.engine.incidents import (
    CauseFacts,
    ControllerFacts,
    Incident,
    Step,
    TimelineEntry,
    Transition,
    Victim,
)
from pipeline.engine.phrases import age_text, moment_text

RUNBOOK = "source_silent"
"""Stands where a class stands in the address of the page to read."""
_TITLES = {
    SilenceKind.SILENT: "nothing is heard of the Argo Rollouts controller {who}",
    SilenceKind.IDLE: "the Argo Rollouts controller {who} writes lines and does no work",
    SilenceKind.AWAY: "nothing can be read of the Argo Rollouts controller {who}: its source is away",
}
_MEANINGS = {
    SilenceKind.SILENT: (
        "Everything that the source holds was read. Either the controller does not run, or it hangs, or its lines do "
        "not get here. Until then nobody can say whether a rollout is stuck."
    ),
    SilenceKind.IDLE: (
        "No object was synced in this time, by any of its processes. A controller that cannot list what it watches, or "
        "that is not the leader, looks like this; so does one that has nothing left to look after."
    ),
    SilenceKind.AWAY: (
        "It is whystuck that is blind: the controller may be well, and rollouts may be stuck without a word here."
    ),
}
_ENDS = {
    SilenceKind.SILENT: "heard_again",
    SilenceKind.IDLE: "works_again",
    SilenceKind.AWAY: "source_is_back",
}


def begun(
    hearing: Hearing, kind: SilenceKind, listened: Listened, cluster: str, version: str | None, runbook_url: str | None
) -> Silence:
    """A silence that has just been noticed."""
    name = hearing.name
    at = listened.until
    since_at = (hearing.worked_at or hearing.heard_at) if kind is SilenceKind.IDLE else hearing.heard_at
    since_at = min(since_at, at)
    who = f"in {name.place}" if name.is_namespace else f"that writes to {name.place}"
    what = "work was done" if kind is SilenceKind.IDLE else "a line came"
    summary = f"The last time that {what} was {moment_text(since_at)}, {age_text(since_at, at)} ago. {_MEANINGS[kind]}"
    if listened.problem:
        summary += f" The source says: {listened.problem}"
    identity = f"{kind.value}\n{name.source}\n{name.place}"
    incident = Incident(
        id=_digest(f"{cluster}\n{identity}\n{at.isoformat()}")[:20],
        fingerprint=_digest(identity)[:16],
        revision=1,
        transition=Transition("opened", kind.value),
        kind="source_silent",
        status="open",
        severity="warning",
        title=_TITLES[kind].format(who=who),
        summary=summary,
        cluster=cluster or None,
        controller=ControllerFacts(name.place if name.is_namespace else None, version),
        opened_at=at,
        updated_at=at,
        resolved_at=None,
        merged_into=None,
        cause=CauseFacts(
            failure_class="unknown",
            established=False,
            basis="none",
            chain=(),
            culprit=None,
            webhook=None,
            certificate=None,
        ),
        victims=(_victim(hearing, since_at, listened.problem),),
        evidence=(),
        evidence_omitted_count=0,
        timeline=(
            TimelineEntry(since_at, f"the last time that {what}", "controller"),
            TimelineEntry(at, "it counts as silent", "trouble"),
        ),
        remediation=tuple(_steps(hearing, kind)),
        runbook_url=runbook_url,
        provenance={"source": name.source, "stream": hearing.origin.source},
    )
    return Silence(kind, incident)


def ended(silence: Silence, at: datetime) -> Silence:
    """The same silence when it is over."""
    old = silence.incident
    at = max(at, old.opened_at)
    reason = _ENDS[silence.kind]
    incident = msgspec.structs.replace(
        old,
        revision=old.revision + 1,
        transition=Transition("resolved", reason),
        status="resolved",
        updated_at=at,
        resolved_at=at,
        victims=tuple(msgspec.structs.replace(victim, recovered_at=at) for victim in old.victims),
        timeline=(*old.timeline, TimelineEntry(at, f"it is over ({reason})", "trouble")),
    )
    return Silence(silence.kind, incident)


def _victim(hearing: Hearing, since_at: datetime, problem: str) -> Victim:
    return Victim(
        kind="controller",
        namespace=hearing.origin.namespace or None,
        name=hearing.origin.pod or None,
        retries=None,
        last_retries=None,
        retries_per_second=None,
        failures=0,
        first_seen_at=since_at,
        last_seen_at=hearing.heard_at,
        stuck_since_at=since_at,
        stuck_since_is_estimate=False,
        recovered_at=None,
        pace="unknown",
        last_error=problem or None,
        is_stale=True,
    )


def _steps(hearing: Hearing, kind: SilenceKind) -> Iterator[Step]:
    if kind is SilenceKind.AWAY:
        yield Step("See why the source cannot be read: its own servers, the network, the rights of whystuck's user")
        yield Step("Check: /readyz?verbose of whystuck says that the source is connected")
        return
    place = hearing.name.place if hearing.name.is_namespace else ""
    namespace = place if PATTERNS["namespace"].fullmatch(place) else ASSUMED_CONTROLLER_NAMESPACE
    kubectl = f"kubectl -n {namespace}"
    yield Step(
        "See whether its pods run, and since when",
        f"{kubectl} get pods -l app.kubernetes.io/name=argo-rollouts -o wide",
    )
    yield Step(
        "See whether it writes: lines here that are not in the source are lost on the way",
        f"{kubectl} logs deployment/argo-rollouts --all-containers --since=30m --tail=20",
    )
    yield Step(
        "See who leads, and when the lease was renewed the last time: older than a minute, nobody leads",
        f"{kubectl} get leases.coordination.k8s.io argo-rollouts-controller-lock -o yaml",
    )
    if kind is SilenceKind.SILENT:
        yield Step("Where the pod runs and writes nothing at all, SIGQUIT makes it print its stacks and end")
        yield Step(
            "Where the pod writes, look at the shipper of its node: its queue, its errors, its rights on the topic"
        )
    else:
        yield Step(
            "See whether there is anything to do: no rollout, no work",
            "kubectl get rollouts.argoproj.io -A --no-headers | wc -l",
        )
        yield Step(
            "Look at the newest lines for `Failed to list` and `Failed to watch`: it waits for what it cannot read"
        )
    yield Step("Check: a line of work, as `Started syncing rollout`, comes within one resync (15 minutes by default)")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
