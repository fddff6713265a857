"""Short ways to write events and to feed them. Times are seconds after `BEGIN`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

from parsers.events import (
    ControllerStarted,
    ControllerStopped,
    Event,
    Failure,
    FailureSeen,
    KeyDeleted,
    LeaderElected,
    LeaderLost,
    ObjectKey,
    ReplicasBlocked,
    RetryCounted,
    SyncCompleted,
    SyncFailed,
    SyncRefused,
)
from parsers.failures import FailureFinder
from parsers.records import Origin
from parsers.rules.loader import load_rules
from parsers.rules.model import RuleSet
from parsers.unknown import unknown_failure
from pipeline.engine.backoff import seconds_until
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOG = Origin(source="controller.log")
OTHER_LOG = Origin(source="other.log")
WEB = ObjectKey("rollout", "shop", "web")
API = ObjectKey("rollout", "shop", "api")
JOB = ObjectKey("rollout", "batch", "job")

TEXTS = {
    "expired": (
        'conversion webhook for getambassador.io/v2, Kind=Mapping failed: Post "https://emissary-apiext.emissary-system'
        '.svc:443/webhooks/crd-convert?timeout=30s": tls: failed to verify certificate: x509: certificate has expired '
        "or is not yet valid: current time 2026-03-01T12:00:00Z is after 2026-02-01T00:00:00Z"
    ),
    "hanging": (
        'conversion webhook for getambassador.io/v2, Kind=Mapping failed: Post "https://emissary-apiext.emissary-system'
        '.svc:443/webhooks/crd-convert?timeout=30s": context deadline exceeded'
    ),
    "admission": (
        'Internal error occurred: failed calling webhook "check.guard.dev": failed to call webhook: Post '
        '"https://guard.tools.svc:443/check?timeout=10s": tls: failed to verify certificate: x509: certificate signed '
        "by unknown authority"
    ),
    "admission refused": (
        'Internal error occurred: failed calling webhook "check.guard.dev": failed to call webhook: Post '
        '"https://guard.tools.svc:443/check?timeout=10s": dial tcp 10.1.2.3:443: connect: connection refused'
    ),
    "denied": 'admission webhook "check.guard.dev" denied the request: image is not signed',
    "conflict": (
        'Operation cannot be fulfilled on rollouts.argoproj.io "web": the object has been modified; please apply your '
        "changes to the latest version and try again"
    ),
    "forbidden": (
        'replicasets.apps is forbidden: User "system:serviceaccount:argo-rollouts:argo-rollouts" cannot create '
        'resource "replicasets" in API group "apps" in the namespace "shop"'
    ),
    "quota": ('pods "web-1" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=10, limited: cpu=10'),
    "missing": 'services "web-canary" not found',
    "invalid": 'The Rollout "web" is invalid: spec.strategy: Invalid value: "x": Rollout has missing field',
    "refused": 'Get "https://10.96.0.1:443/api/v1/services": dial tcp 10.96.0.1:443: connect: connection refused',
    "deadline": "context deadline exceeded",
    "crd": 'no matches for kind "VirtualService" in version "networking.istio.io/v1beta1"',
    "lease": "error retrieving resource lock argo-rollouts/argo-rollouts-controller-lock: context deadline exceeded",
}


@cache
def rules() -> RuleSet:
    """The built-in rules."""
    return load_rules()


@cache
def _finder() -> FailureFinder:
    return FailureFinder(rules())


def at(seconds: float) -> datetime:
    """A time."""
    return BEGIN + timedelta(seconds=seconds)


def failure(text: str = "expired") -> Failure:
    """The failure of a text, or of the text with this name."""
    shown = TEXTS.get(text, text)
    return _finder().find(shown) or unknown_failure(shown)


def fail(seconds: float, text: str = "expired", *, key: ObjectKey = WEB, origin: Origin = LOG) -> SyncFailed:
    """An attempt fails."""
    return SyncFailed(at(seconds), origin, int(seconds * 10) + 1, key, failure(text))


def count(seconds: float, number: int, *, key: ObjectKey = WEB, origin: Origin = LOG) -> RetryCounted:
    """A retry line."""
    return RetryCounted(at(seconds), origin, int(seconds * 10) + 2, key, number)


def refuse(seconds: float, text: str = "invalid", *, key: ObjectKey = WEB, origin: Origin = LOG) -> SyncRefused:
    """A refusal, without a retry line."""
    return SyncRefused(at(seconds), origin, int(seconds * 10) + 1, key, failure(text))


def complete(
    seconds: float, *, key: ObjectKey = WEB, origin: Origin = LOG, generation: int | None = None
) -> SyncCompleted:
    """A pass ends; whether it succeeded shows later."""
    return SyncCompleted(at(seconds), origin, int(seconds * 10) + 3, key, generation)


def block(seconds: float, text: str | None = "admission", *, key: ObjectKey = WEB) -> ReplicasBlocked:
    """The condition that the key's ReplicaSet cannot create pods; None: it is gone."""
    return ReplicasBlocked(at(seconds), LOG, int(seconds * 10), key, failure(text) if text is not None else None)


def delete(seconds: float, *, key: ObjectKey = WEB) -> KeyDeleted:
    """The object is gone."""
    return KeyDeleted(at(seconds), LOG, int(seconds * 10), key)


def start(seconds: float, *, origin: Origin = LOG, version: str = "v1.7.1") -> ControllerStarted:
    """A new process."""
    return ControllerStarted(at(seconds), origin, int(seconds * 10), version)


def lead(seconds: float, *, origin: Origin = LOG) -> LeaderElected:
    """The process leads."""
    return LeaderElected(at(seconds), origin, int(seconds * 10), "pod_1")


def lose(seconds: float, *, origin: Origin = LOG) -> LeaderLost:
    """The process loses its lease."""
    return LeaderLost(at(seconds), origin, int(seconds * 10), "lock")


def stop(seconds: float, *, origin: Origin = LOG) -> ControllerStopped:
    """The process ends."""
    return ControllerStopped(at(seconds), origin, int(seconds * 10))


def see(seconds: float, text: str = "refused", *, carrier: str = "other", origin: Origin = LOG) -> FailureSeen:
    """A failure without a key."""
    is_fatal = carrier == "fatal"
    return FailureSeen(at(seconds), origin, int(seconds * 10), failure(text), carrier, None, is_fatal)


def attempts(
    times: Iterable[float], text: str = "expired", *, key: ObjectKey = WEB, first: int = 1, origin: Origin = LOG
) -> list[Event]:
    """Failed attempts, each with its pass, its error and its retry line."""
    events: list[Event] = []
    for number, seconds in enumerate(times, first):
        events.append(complete(seconds, key=key, origin=origin))
        events.append(fail(seconds + 0.001, text, key=key, origin=origin))
        events.append(count(seconds + 0.002, number, key=key, origin=origin))
    return events


def back_off(
    start_seconds: float,
    until_seconds: float,
    text: str = "expired",
    *,
    key: ObjectKey = WEB,
    first: int = 1,
    origin: Origin = LOG,
) -> list[Event]:
    """Failed attempts as the queue's back-off spaces them."""
    times: list[float] = []
    number = first
    while (seconds := start_seconds + seconds_until(number) - seconds_until(first)) <= until_seconds:
        times.append(seconds)
        number += 1
    return attempts(times, text, key=key, first=first, origin=origin)


def healthy(*times: float, key: ObjectKey = WEB, origin: Origin = LOG) -> list[Event]:
    """Passes that succeed."""
    return [complete(seconds, key=key, origin=origin) for seconds in times]


def fed(*parts: Event | Iterable[Event], settings: EngineSettings | None = None, until: float | None = None) -> Engine:
    """An engine that was fed all events by time, looking for changes at every one."""
    engine = Engine(settings or EngineSettings(), rules(), evaluate_every=timedelta(0))
    for event in by_time(parts):
        engine.feed(event)
    if until is not None:
        engine.advance(at(until))
    engine.finish()
    return engine


def by_time(parts: Iterable[Event | Iterable[Event]]) -> list[Event]:
    """All events in the order of their times; those of one time as they were given."""
    events = [event for part in parts for event in ([part] if isinstance(part, Event) else part)]
    return sorted(events, key=lambda event: event.at)


def incidents_of(
    *parts: Event | Iterable[Event], settings: EngineSettings | None = None, until: float | None = None
) -> list[Incident]:
    """The incidents in some events, without those that were merged into others."""
    found = fed(*parts, settings=settings, until=until).incidents()
    return [incident for incident in found if incident.status != "merged"]


def only(
    *parts: Event | Iterable[Event], settings: EngineSettings | None = None, until: float | None = None
) -> Incident:
    """The one incident in some events."""
    (incident,) = incidents_of(*parts, settings=settings, until=until)
    return incident


def changes_of(*parts: Event | Iterable[Event], settings: EngineSettings | None = None) -> list[Incident]:
    """Everything that is told while events are fed, in order."""
    engine = Engine(settings or EngineSettings(), rules(), evaluate_every=timedelta(0))
    told = [change for event in by_time(parts) for change in engine.feed(event)]
    return told + engine.finish()
