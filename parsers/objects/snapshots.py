"""A file of Kubernetes objects -> events: every object as it was when the file was written.

The time of a snapshot is the newest time in the file at which something happened, as far as it does not lie behind the
file's own; a file that shows the same object again and again (`kubectl get --watch`) has a time for each showing. A
Kubernetes Event has a time of its own: its last occurrence.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

import msgspec

from parsers.object_facts import KubernetesEventFacts, ObjectRef, ObjectSeen
from parsers.objects.documents import FoundObject, UnreadableObject, find_objects
from parsers.objects.reading import UnknownObject
from parsers.objects.times import newest_time
from parsers.records import Origin

_MAX_UNREADABLE: Final = 20


class Snapshot(msgspec.Struct, frozen=True):
    """What a file of objects said."""

    events: tuple[ObjectSeen, ...]
    unknown: dict[str, int]  # objects of kinds that explain nothing here, by kind
    unreadable: tuple[UnreadableObject, ...]  # the first of them
    unreadable_count: int


def read_snapshot(data: bytes, origin: Origin, *, received_at: datetime | None, read_at: datetime) -> Snapshot:
    """Read a file of objects.

    Args:
        data: the whole file, UTF-8 as far as it is text.
        origin: where it comes from.
        received_at: when it was last written.
        read_at: now; stands in where nothing else gives a time.
    """
    found: list[FoundObject] = []
    unreadable: list[UnreadableObject] = []
    unknown: Counter[str] = Counter()
    for one in find_objects(data):
        match one:
            case FoundObject():
                found.append(one)
            case UnreadableObject():
                unreadable.append(one)
            case UnknownObject():
                unknown[one.kind] += 1
    taken_at = newest_time(data, received_at or read_at) or received_at or read_at
    events = _date(found, origin, taken_at)
    return Snapshot(events, dict(unknown), tuple(unreadable[:_MAX_UNREADABLE]), len(unreadable))


def _date(found: list[FoundObject], origin: Origin, taken_at: datetime) -> tuple[ObjectSeen, ...]:
    """Give each object its time. Sorted by it, as the events of one stream have to be."""
    showings = Counter(one.facts.ref for one in found)
    shown_at: dict[ObjectRef, datetime] = {}
    events: list[ObjectSeen] = []
    for one in found:
        at = taken_at
        ref = one.facts.ref
        if isinstance(one.facts, KubernetesEventFacts):
            at = min(one.facts.last_at or taken_at, taken_at)
        elif showings[ref] > 1:
            at = max(min(one.newest_at or taken_at, taken_at), shown_at.get(ref, one.newest_at or taken_at))
            shown_at[ref] = at
        events.append(ObjectSeen(at=at, origin=origin, line=one.line, facts=one.facts))
    return tuple(sorted(events, key=lambda event: event.at))
