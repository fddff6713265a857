"""Which part of what was read a replay looks at."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from parsers.events import Event, ObjectKey
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.seen import ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.facts.workloads import ReplicaSetFacts
from pipeline.engine.watched import WatchedLog
from pipeline.moments import Moment


class ReplayFilter(msgspec.Struct, frozen=True):
    """Which events are looked at."""

    since: datetime | None = None
    until: datetime | None = None
    namespaces: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()  # ns/name, with or without the kind before it

    def takes(self, event: Event) -> bool:
        """Whether the event passes."""
        if isinstance(event, Moment):
            return self.until is None or event.at <= self.until
        if self.since is not None and event.at < self.since and not _is_state(event):
            return False
        if self.until is not None and event.at > self.until:
            return False
        key = _key_of(event)
        if key is None:
            return True
        if self.namespaces and not any(fnmatchcase(key.namespace, pattern) for pattern in self.namespaces):
            return False
        return not self.keys or str(key) in self.keys or f"{key.namespace}/{key.name}" in self.keys

    def part_of(self, log: WatchedLog) -> WatchedLog:
        """The part of a log that passes."""
        first_at, last_at = log.first_at, log.last_at
        if self.since is not None:
            first_at = max(first_at, self.since) if first_at is not None else self.since
        if self.until is not None and last_at is not None:
            last_at = min(last_at, self.until)
        return WatchedLog(log.origin, first_at, last_at)

    def time_covered(
        self, first_at: datetime | None, last_at: datetime | None
    ) -> tuple[datetime | None, datetime | None]:
        """First and last time of what was read and passes."""
        if self.since is not None and first_at is not None:
            first_at = max(first_at, self.since)
        if self.until is not None and last_at is not None:
            last_at = min(last_at, self.until)
        return first_at, last_at


def _is_state(event: Event) -> bool:
    """Whether it stays true until it is seen again: an object, but not what happened to it."""
    if isinstance(event, ObjectsListed | ObjectsUnread):
        return True
    return isinstance(event, ObjectSeen) and not isinstance(event.facts, KubernetesEventFacts)


def _key_of(event: Event) -> ObjectKey | None:
    """Whose event it is: a Rollout that is not asked for must not become a victim by its objects either."""
    if not isinstance(event, ObjectSeen):
        return getattr(event, "key", None)
    ref = event.facts.ref
    match event.facts:
        case ReplicaSetFacts(owner=owner) if owner is not None:
            ref = owner
        case KubernetesEventFacts(involved=involved):
            ref = involved
    return ObjectKey("rollout", ref.namespace, ref.name) if ref.kind == "Rollout" else None
