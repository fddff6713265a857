"""Silence as an incident: what is told when whystuck does not hear a controller any more. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

import msgspec

from pipeline.engine.commands import ASSUMED_CONTROLLER_NAMESPACE, PATTERNS
from pipeline.engine.hearing import Hearing, Listened, Silence, SilenceKind
from pipeline.engine.incidents import (
    NOT_ESTABLISHED,
    ControllerFacts,
    Incident,
    Step,
    TimelineEntry,
    Transition,
    Victim,
)
from pipeline.engine.leaders import Leadership, Role, leader_of
from pipeline.engine.phrases import age_text, moment_text
from pipeline.engine.pod_names import host_of, workload_of

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
STANDS_BY = "stands_by"
"""A silence is over: another controller holds the Lease, and nothing is expected of this one."""
_ENDS = {
    SilenceKind.SILENT: "heard_again",
    SilenceKind.IDLE: "works_again",
    SilenceKind.AWAY: "source_is_back",
}


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside the lines."""

    cluster: str
    version: str | None
    runbook_url: str | None
    leadership: Leadership = Leadership()
    leases_unread: str = ""  # why Leases cannot be read


def begun(hearing: Hearing, kind: SilenceKind, listened: Listened, scene: Scene) -> Silence:
    """A silence that has just been noticed."""
    name = hearing.name
    at = listened.until
    since_at = (hearing.worked_at or hearing.heard_at) if kind is SilenceKind.IDLE else hearing.heard_at
    since_at = min(since_at, at)
    what = "work was done" if kind is SilenceKind.IDLE else "a line came"
    summary = f"The last time that {what} was {moment_text(since_at)}, {age_text(since_at, at)} ago. {_MEANINGS[kind]}"
    summary += _about_leader(hearing, scene)
    if listened.problem:
        summary += f" The source says: {listened.problem}"
    identity = f"{kind.value}\n{name.source}\n{name.place}" + (f"\n{name.workload}" if name.workload else "")
    incident = Incident(
        id=_digest(f"{scene.cluster}\n{identity}\n{at.isoformat()}")[:20],
        fingerprint=_digest(identity)[:16],
        revision=1,
        transition=Transition("opened", kind.value),
        kind="source_silent",
        status="open",
        severity="warning",
        title=_TITLES[kind].format(who=name),
        summary=summary,
        cluster=scene.cluster or None,
        controller=ControllerFacts(
            name.place if name.is_namespace else None, scene.version, leader_of(scene.leadership)
        ),
        opened_at=at,
        updated_at=at,
        resolved_at=None,
        merged_into=None,
        cause=NOT_ESTABLISHED,
        victims=(_victim(hearing, since_at, listened.problem, scene.leadership),),
        evidence=(),
        evidence_omitted_count=0,
        timeline=(
            TimelineEntry(since_at, f"the last time that {what}", "controller"),
            TimelineEntry(at, "it counts as silent", "trouble"),
        ),
        remediation=tuple(_steps(hearing, kind)),
        runbook_url=scene.runbook_url,
        provenance={"source": name.source, "stream": hearing.origin.source},
    )
    return Silence(kind, incident)


def ended(silence: Silence, at: datetime, reason: str | None = None) -> Silence:
    """The same silence when it is over; without a reason of its own, as silences of its kind end."""
    old = silence.incident
    at = max(at, old.opened_at)
    reason = reason or _ENDS[silence.kind]
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


def _about_leader(hearing: Hearing, scene: Scene) -> str:
    """A sentence on who leads, where there is something to say."""
    leadership = scene.leadership
    if scene.leases_unread:
        return f" Who leads is not known: {scene.leases_unread}."
    if leadership.role is not Role.LEADS:
        return ""
    since = f" since {moment_text(leadership.since)}" if leadership.since is not None else ""
    others = " Other pods wrote lines meanwhile: they stand by." if hearing.set_aside else ""
    return f" By its Lease {leadership.host} leads{since}.{others}"


def _victim(hearing: Hearing, since_at: datetime, problem: str, leadership: Leadership) -> Victim:
    pod, host = hearing.origin.pod, leadership.host
    if host and host != host_of(pod) and workload_of(host) and workload_of(host) == hearing.name.workload:
        pod = host  # the silent one is who leads now, heard or not
    return Victim(
        kind="controller",
        namespace=hearing.origin.namespace or None,
        name=pod or None,
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
