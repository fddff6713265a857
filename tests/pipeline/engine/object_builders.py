"""Short ways to write objects as they were seen. Times are seconds after `BEGIN`."""

from __future__ import annotations

from parsers.events import PodCreationSeen
from parsers.facts.conditions import ConditionFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import ObjectSeen
from parsers.facts.workloads import ReplicaSetFacts
from parsers.records import Origin
from tests.pipeline.engine.builders import TEXTS, at, failure

SNAPSHOT = Origin(source="objects.json")
EVENTS = Origin(source="events.txt")
KCM = Origin(source="kcm.log")
WEB_SET = "web-6d9f8c7"
ROLLOUT = ObjectRef("Rollout", "shop", "web")
DEPLOYMENT = ObjectRef("Deployment", "shop", "web")


def created(seconds: float, *, name: str = WEB_SET, namespace: str = "shop") -> ObjectSeen:
    """The Event of a pod that was created."""
    return _kube_event(seconds, ObjectRef("ReplicaSet", namespace, name), "SuccessfulCreate")


def failed(
    first: float, last: float, count: int, text: str = "admission", *, name: str = WEB_SET, namespace: str = "shop"
) -> ObjectSeen:
    """The Event of pods that could not be created."""
    facts = KubernetesEventFacts(
        ref=ObjectRef("Event", namespace, ""),
        involved=ObjectRef("ReplicaSet", namespace, name),
        reason="FailedCreate",
        type="Warning",
        message=TEXTS.get(text, text),
        count=count,
        first_at=at(first),
        last_at=at(last),
    )
    return ObjectSeen(at(last), EVENTS, int(last * 10), facts, failure=failure(text))


def scaled(seconds: float, involved: ObjectRef = ROLLOUT) -> ObjectSeen:
    """An Event that says nothing but that the object is there."""
    return _kube_event(seconds, involved, "Scaled")


def _kube_event(seconds: float, involved: ObjectRef, reason: str) -> ObjectSeen:
    facts = KubernetesEventFacts(
        ref=ObjectRef("Event", involved.namespace, ""), involved=involved, reason=reason, type="Normal",
        last_at=at(seconds),
    )  # fmt: skip
    return ObjectSeen(at(seconds), EVENTS, int(seconds * 10), facts)


def replica_set(
    seconds: float,
    failing_since: float | None = None,
    *,
    owner: ObjectRef | None = ROLLOUT,
    latest: float | None = None,
    name: str = WEB_SET,
    origin: Origin = SNAPSHOT,
) -> ObjectSeen:
    """A ReplicaSet in a snapshot, with its condition where it fails."""
    facts = ReplicaSetFacts(
        ref=ObjectRef("ReplicaSet", "shop", name),
        owner=owner,
        desired=3,
        current=0,
        conditions=_condition(failing_since, "ReplicaFailure"),
    )
    return _snapshot(seconds, facts, latest, origin)


def rollout(
    seconds: float, failing_since: float | None = None, *, condition: str = "ReplicaFailure", **fields: object
) -> ObjectSeen:
    """A Rollout in a snapshot."""
    shown = {"observed_generation": 1, **fields}
    facts = RolloutFacts(ref=ROLLOUT, conditions=_condition(failing_since, condition), **shown)  # type: ignore[arg-type]
    return _snapshot(seconds, facts, None, SNAPSHOT)


def _snapshot(
    seconds: float, facts: ReplicaSetFacts | RolloutFacts, latest: float | None, origin: Origin
) -> ObjectSeen:
    shown = at(seconds if latest is None else latest)
    text = facts.conditions[0].message if facts.conditions else ""
    found = failure(text) if text else None
    return ObjectSeen(at(seconds), origin, int(seconds * 10), facts, latest_at=shown, failure=found)


def _condition(since: float | None, kind: str) -> tuple[ConditionFacts, ...]:
    if since is None:
        return ()
    text = TEXTS["invalid" if kind == "InvalidSpec" else "admission"]
    return (ConditionFacts(type=kind, status="True", message=text, changed_at=at(since)),)


def sync_failed(seconds: float, text: str | None = "admission", *, name: str = WEB_SET) -> PodCreationSeen:
    """A line of kube-controller-manager; None: a pod was created."""
    found = failure(text) if text is not None else None
    return PodCreationSeen(at(seconds), KCM, int(seconds * 10), "shop", name, found)
