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

from parsers.documents import SNIFF_BYTES
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectSeen
from parsers.failures import FailureFinder
from parsers.objects.documents import find_objects
from parsers.objects.event_text import find_events, is_event_text
from parsers.objects.failing import failing_message, tells_of_block
from parsers.objects.found import FoundObject, UnknownObject, UnreadableObject
from parsers.objects.times import newest_time
from parsers.records import Origin
from parsers.unknown import unknown_failure

_MAX_UNREADABLE: Final = 20


class Snapshot(msgspec.Struct, frozen=True):
    """What a file of objects said."""

    events: tuple[ObjectSeen, ...]
    unknown: dict[str, int]  # objects of kinds that explain nothing here, by kind
    unreadable: tuple[UnreadableObject, ...]  # the first of them
    unreadable_count: int


def read_snapshot(
    data: bytes, origin: Origin, finder: FailureFinder, *, received_at: datetime | None, read_at: datetime
) -> Snapshot:
    """Read a file of objects.

    Args:
        data: the whole file, UTF-8 as far as it is text.
        origin: where it comes from.
        finder: takes apart what objects say about failures.
        received_at: when it was last written.
        read_at: now; stands in where nothing else gives a time.
    """
    found: list[FoundObject] = []
    unreadable: list[UnreadableObject] = []
    unknown: Counter[str] = Counter()
    written_at = received_at or read_at
    is_text = is_event_text(data[:SNIFF_BYTES])
    for one in find_events(data, written_at) if is_text else find_objects(data):
        match one:
            case FoundObject():
                found.append(one)
            case UnreadableObject():
                unreadable.append(one)
            case UnknownObject():
                unknown[one.kind] += 1
    taken_at = written_at if is_text else newest_time(data, written_at) or written_at
    events = [with_failure(event, finder) for event in _date(found, origin, taken_at, written_at)]
    return Snapshot(tuple(events), dict(unknown), tuple(unreadable[:_MAX_UNREADABLE]), len(unreadable))


def _date(found: list[FoundObject], origin: Origin, taken_at: datetime, written_at: datetime) -> list[ObjectSeen]:
    """Give each object its time. Sorted by it, as the events of one stream have to be."""
    showings = Counter(one.facts.ref for one in found)
    shown_at: dict[ObjectRef, datetime] = {}
    events: list[ObjectSeen] = []
    for one in found:
        at, latest_at = taken_at, written_at
        ref = one.facts.ref
        if isinstance(one.facts, KubernetesEventFacts):
            at = latest_at = min(one.facts.last_at or taken_at, taken_at)
        elif showings[ref] > 1:
            own_at = min(one.newest_at or taken_at, taken_at)
            at = latest_at = shown_at[ref] = max(own_at, shown_at.get(ref, own_at))
        seen = ObjectSeen(at=at, origin=origin, line=one.line, facts=one.facts, is_deleted=one.is_deleted)
        events.append(msgspec.structs.replace(seen, latest_at=max(at, latest_at)))
    return sorted(events, key=lambda event: event.at)


def with_failure(event: ObjectSeen, finder: FailureFinder) -> ObjectSeen:
    """The event with what its object says about a failure, taken apart."""
    message = failing_message(event.facts)
    failure = finder.find(message) if message else None
    if failure is None and message and tells_of_block(event.facts):
        failure = unknown_failure(message)
    return event if failure is None else msgspec.structs.replace(event, failure=failure)
