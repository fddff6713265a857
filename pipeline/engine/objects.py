"""The objects of a cluster as they are remembered: their newest versions, what changed, what is gone, what is unread.

A snapshot shows how an object was when somebody took it. A watch shows when it became so: only then is a difference
between two versions a change with a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from parsers.facts.analysis_runs import AnalysisRunFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import AnyFacts, ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.engine.analysis_runs import NewestRuns, went_well
from pipeline.engine.inventory import Inventory, Seen
from pipeline.engine.object_changes import Change, changes_between
from pipeline.engine.object_memory import ObjectMemory

MAX_OBJECTS: Final = 200_000
MAX_VERSIONS: Final = 4
"""Versions kept of one object: the newest ones, and one from before the last seconds."""
LAST_SECONDS: Final = timedelta(seconds=30)
"""So long after a repair its pass is known at the latest: a back-off of ten seconds, a slow sync. In that time a
Rollout that catches up changes with each of its pods, and how it stood while it was stuck would be lost."""
MAX_CHANGES: Final = 8
"""Changes kept of one object: the newest ones. Only those that can explain something are noted."""
MAX_GONE: Final = 10_000
"""Objects remembered after they were deleted: the newest ones."""
_DAWN: Final = datetime(1970, 1, 1, tzinfo=UTC)
OF_NUMBERS: Final = frozenset({"Rollout", "ReplicaSet", "HorizontalPodAutoscaler"})
"""Kinds that have a part in the numbers of a Rollout."""


class ClusterObjects:
    """All of them. `take` is called in each origin's own order."""

    def __init__(self) -> None:
        self.versions: dict[ObjectRef, list[Seen]] = {}
        self.watched: set[ObjectRef] = set()  # the newest version was shown by a watch: it became so when it was seen
        self.changes: dict[ObjectRef, list[Change]] = {}  # that a watch saw, oldest first
        self.gone: dict[ObjectRef, Seen] = {}  # when they were deleted, and what they were; oldest first
        self.unread: dict[str, str] = {}  # what cannot be read, and why
        self.evicted_count = 0
        self.changed: set[ObjectRef] = set()  # since somebody stored them
        self.touched: set[ObjectRef] = set()  # since somebody looked whether their numbers fit
        self._inventory: Inventory | None = None
        self._runs = NewestRuns()

    def inventory(self) -> Inventory:
        """What they say, in their newest versions."""
        if self._inventory is None:
            self._inventory = Inventory(self.versions, self.watched, self.changes, self.gone)
        return self._inventory

    def newest_at(self) -> datetime | None:
        """The time of the newest, None where there is none."""
        return max((history[-1][0] for history in self.versions.values()), default=None)

    def take(self, event: ObjectSeen) -> bool:
        """Remember an object; says whether that was news."""
        ref = ref_of(event.facts)
        history = self.versions.get(ref)
        is_known = bool(history) and history is not None and history[-1][1] == event.facts
        if event.is_deleted and isinstance(event.facts, KubernetesEventFacts):
            return False  # the API server forgets Events after an hour; what they told did happen
        if is_known and not event.is_deleted and event.latest_at is None:
            return False  # a watch that began anew shows what it has shown
        if went_well(event.facts):
            return self._forget(ref)
        if event.is_deleted:
            self._bury(ref, event)
        else:
            self._remember(ref, event)
            self._make_room_for_run(event.facts)
        return True

    def missing_from(self, event: ObjectsListed) -> Iterator[ObjectSeen]:
        """What is not in a list of all is gone; nobody saw it go."""
        there = set(event.refs)
        gone = [
            history[-1][1]
            for ref, history in self.versions.items()
            if ref.kind == event.kind
            and ref not in there
            and (not event.namespaces or ref.namespace in event.namespaces)
            and (not event.names or ref.name in event.names)
        ]
        for facts in gone:
            yield ObjectSeen(event.at, event.origin, event.line, facts, is_deleted=True)

    def note_unread(self, event: ObjectsUnread) -> bool:
        """Objects cannot be read; says whether that is news."""
        names = _unread_names(event.kind, event.namespaces)
        is_news = any(self.unread.get(name) != event.why for name in names)
        self.unread.update(dict.fromkeys(names, event.why))
        return is_news

    def note_read(self, event: ObjectsListed) -> bool:
        """Objects were listed, so they can be read: those of the namespaces asked for, and no others."""
        names = set(_unread_names(event.kind, event.namespaces))
        if not event.namespaces:
            names |= {name for name in self.unread if name.startswith(f"{event.kind} in ")}
        found = names & self.unread.keys()
        for name in found:
            del self.unread[name]
        return bool(found)

    def is_unread(self, kind: str, namespace: str) -> bool:
        """Whether objects of a kind in a namespace are known not to be readable."""
        return bool(self.why_unread(kind, namespace))

    def why_unread(self, kind: str, namespace: str) -> str:
        """Why objects of a kind in a namespace cannot be read; empty: they can, as far as is known."""
        names = (kind, *_unread_names(kind, (namespace,)))
        return next((self.unread[name] for name in names if name in self.unread), "")

    def shown(self, origin: Origin) -> Iterator[ObjectEvent]:
        """What somebody has to be told who knows nothing of them, oldest first; without what was deleted."""
        versions = ((at, facts) for history in self.versions.values() for at, facts in history)
        for at, facts in sorted(versions, key=lambda one: one[0]):
            yield ObjectSeen(at, origin, 0, facts)
        at = self.newest_at() or _DAWN
        for name, why in sorted(self.unread.items()):
            kind, _, namespace = name.partition(" in ")
            yield ObjectsUnread(at, origin, 0, kind, why, (namespace,) if namespace else ())

    def recall(self, memory: ObjectMemory) -> None:
        """Know an object again."""
        if memory.history:
            self.versions[memory.ref] = memory.history
            self._make_room_for_run(memory.history[-1][1])
        if memory.is_watched:
            self.watched.add(memory.ref)
        if memory.changes:
            self.changes[memory.ref] = memory.changes
        if memory.gone is not None:
            self.gone[memory.ref] = memory.gone
        if memory.ref.kind in OF_NUMBERS:
            self.touched.add(memory.ref)
        self._inventory = None

    def memory(self, ref: ObjectRef) -> ObjectMemory | None:
        """What has to be known of an object to go on with it, None where it is forgotten."""
        history, gone = self.versions.get(ref, []), self.gone.get(ref)
        if not history and gone is None:
            return None
        return ObjectMemory(ref, history, self.changes.get(ref, []), ref in self.watched, gone)

    def drop(self, ref: ObjectRef) -> None:
        """Forget an object."""
        self.versions.pop(ref, None)
        self._runs.discard(ref)
        self.watched.discard(ref)
        self.changes.pop(ref, None)
        self.gone.pop(ref, None)
        self._changed(ref)

    def forget_gone(self, before: datetime) -> None:
        """Forget what was deleted before a moment."""
        for ref in [ref for ref, (gone_at, _) in self.gone.items() if gone_at < before]:
            self.drop(ref)

    def _forget(self, ref: ObjectRef) -> bool:
        is_known = ref in self.versions
        if is_known:
            self.drop(ref)
        return is_known

    def _make_room_for_run(self, facts: AnyFacts) -> None:
        surplus = self._runs.add(facts) if isinstance(facts, AnalysisRunFacts) else None
        if surplus is not None:
            self.drop(surplus)

    def _remember(self, ref: ObjectRef, event: ObjectSeen) -> None:
        self.gone.pop(ref, None)
        history = self.versions.get(ref)
        if history is None:
            if len(self.versions) >= MAX_OBJECTS:
                self.drop(next(iter(self.versions)))
                self.evicted_count += 1
            history = self.versions[ref] = []
        self._note(ref, event, history[-1][1] if history else None)
        history.append((event.at, event.facts))
        history.sort(key=lambda one: one[0])
        _trim(history)
        self._changed(ref)

    def _note(self, ref: ObjectRef, event: ObjectSeen, before: AnyFacts | None) -> None:
        """What changed, where a watch shows when."""
        if event.latest_at is not None:
            self.watched.discard(ref)
            return
        self.watched.add(ref)
        if before is not None and (changes := changes_between(before, event.facts, event.at)):
            self.changes[ref] = [*self.changes.get(ref, []), *changes][-MAX_CHANGES:]

    def _bury(self, ref: ObjectRef, event: ObjectSeen) -> None:
        self.versions.pop(ref, None)
        self._runs.discard(ref)
        self.watched.discard(ref)
        self.gone.pop(ref, None)
        self.gone[ref] = event.at, event.facts
        if len(self.gone) > MAX_GONE:
            self.drop(next(iter(self.gone)))
        self._changed(ref)

    def _changed(self, ref: ObjectRef) -> None:
        self.changed.add(ref)
        if ref.kind in OF_NUMBERS:
            self.touched.add(ref)
        self._inventory = None


def _trim(history: list[Seen]) -> None:
    """The newest versions, and the newest of those before the last seconds; where there is none, the oldest."""
    surplus = history[:-MAX_VERSIONS]
    before = [seen for seen in surplus if seen[0] <= history[-1][0] - LAST_SECONDS]
    history[:-MAX_VERSIONS] = before[-1:] or surplus[:1]


def ref_of(facts: AnyFacts) -> ObjectRef:
    """Under which name an object is remembered: a row of a table of Events has none of its own."""
    if isinstance(facts, KubernetesEventFacts) and not facts.ref.name:
        return ObjectRef(f"Event {facts.reason}", facts.involved.namespace, str(facts.involved))
    return facts.ref


def _unread_names(kind: str, namespaces: tuple[str, ...]) -> list[str]:
    """How it is called in the list of what is not read."""
    return [f"{kind} in {namespace}" for namespace in namespaces if namespace] or [kind]
