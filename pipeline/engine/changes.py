"""Which parts of a cluster's state changed since they were stored, and how they come back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import msgspec

from pipeline.engine.analysis_watch import AnalysisMemory, AnalysisWatch
from pipeline.engine.clusters import ClusterState
from pipeline.engine.drift_track import DriftMemory
from pipeline.engine.drifts import Drifts
from pipeline.engine.lifecycle import Lifecycle
from pipeline.engine.listener import Listener
from pipeline.engine.memory import (
    ClusterMemory,
    CreationMemory,
    EnginePart,
    HearingMemory,
    IncidentMemory,
    KeyMemory,
    Memory,
    OriginMemory,
    SeenMemory,
    encode,
    name_of,
)
from pipeline.engine.object_memory import ObjectMemory
from pipeline.engine.outages import OutageMemory


class Keepers(msgspec.Struct, frozen=True):
    """Everything in a cluster that keeps something."""

    state: ClusterState
    lifecycle: Lifecycle
    listener: Listener
    drifts: Drifts
    analyses: AnalysisWatch


class Changes:
    """Compares the state of one cluster with what was stored of it.

    Keys, objects and creations are many and note their changes themselves. Incidents are replaced when they change.
    The others are few and are compared in their encoded form.
    """

    def __init__(self, cluster: str, keepers: Keepers, of_cluster: Callable[[], ClusterMemory]) -> None:
        self._cluster = cluster
        self._state = keepers.state
        self._lifecycle = keepers.lifecycle
        self._listener = keepers.listener
        self._drifts = keepers.drifts
        self._analyses = keepers.analyses
        self._of_cluster = of_cluster
        self._incidents: dict[str, IncidentMemory] = {}
        self._digests: dict[str, bytes] = {}

    def take(self) -> list[EnginePart]:
        """The parts that changed since this was asked the last time."""
        parts = [
            *self._of_keys(),
            *self._of_objects(),
            *self._of_creations(),
            *self._of_drifts(),
            *self._of_analyses(),
            *self._of_incidents(),
            *self._of_rest(),
        ]
        self._drifts.stored()
        return [EnginePart(self._cluster, name, value) for name, value in parts]

    def _of_keys(self) -> Iterator[tuple[str, bytes | None]]:
        state = self._state
        for key in sorted(state.changed_keys):
            tracks = state.keys.get(key)
            memory = KeyMemory(key, tracks, key in state.failed) if tracks is not None else None
            yield name_of("key", key), encode(memory) if memory is not None else None
        state.changed_keys.clear()

    def _of_objects(self) -> Iterator[tuple[str, bytes | None]]:
        objects = self._state.objects
        for ref in sorted(objects.changed):
            memory = objects.memory(ref)
            yield name_of("object", ref), encode(memory) if memory is not None else None
        objects.changed.clear()

    def _of_creations(self) -> Iterator[tuple[str, bytes | None]]:
        creations = self._state.creations
        if not creations.changed:
            return
        counted = creations.counted(creations.changed)
        for ref in sorted(creations.changed):
            history = creations.histories.get(ref)
            memory = CreationMemory(ref, history, counted[ref]) if history is not None else None
            yield name_of("creation", ref), encode(memory) if memory is not None else None
        creations.changed.clear()

    def _of_drifts(self) -> Iterator[tuple[str, bytes | None]]:
        for key in sorted(self._drifts.changed):
            memory = self._drifts.memory(key)
            yield name_of("drift", key), encode(memory) if memory is not None else None
        self._drifts.changed.clear()

    def _of_analyses(self) -> Iterator[tuple[str, bytes | None]]:
        for key in sorted(self._analyses.changed):
            memory = self._analyses.memory(key)
            yield name_of("analysis", key), encode(memory) if memory is not None else None
        self._analyses.changed.clear()

    def _of_incidents(self) -> Iterator[tuple[str, bytes | None]]:
        now = {memory.incident.id: memory for memory in self._lifecycle.memories()}
        for incident_id, memory in now.items():
            if not _is_same(self._incidents.get(incident_id), memory):
                yield f"incident/{incident_id}", encode(memory)
        for incident_id in self._incidents.keys() - now.keys():
            yield f"incident/{incident_id}", None
        self._incidents = now

    def _of_rest(self) -> Iterator[tuple[str, bytes | None]]:
        now: dict[str, bytes] = {}
        for name, memory in self._rest():
            value = encode(memory)
            digest = hashlib.blake2b(value, digest_size=16).digest()
            now[name] = digest
            if self._digests.get(name) != digest:
                yield name, value
        for name in self._digests.keys() - now.keys():
            yield name, None
        self._digests = now

    def _rest(self) -> Iterator[tuple[str, Memory]]:
        yield "cluster", self._of_cluster()
        outages = self._drifts.outages.memory()
        if outages is not None:
            yield "outages", outages
        for origin, state in self._state.origins.items():
            yield name_of("origin", origin), OriginMemory(origin, state)
        for hearing in self._listener.hearings():
            yield name_of("hearing", hearing.name), HearingMemory(hearing)
        for episode, seen in self._state.seen.episodes():
            place = (seen.origin, seen.carrier, seen.tally.failure.failure_class, seen.tally.first, episode)
            yield name_of("seen", place), SeenMemory(episode, seen)


def _is_same(one: IncidentMemory | None, other: IncidentMemory) -> bool:
    return (
        one is not None
        and one.incident is other.incident
        and one.marks == other.marks
        and (one.is_waiting, one.is_withdrawn, one.is_settled)
        == (other.is_waiting, other.is_withdrawn, other.is_settled)
    )


def recall_part(memory: Memory, keepers: Keepers) -> None:
    """Put a part back where it was."""
    state = keepers.state
    match memory:
        case KeyMemory():
            state.recall_key(memory.key, memory.tracks, has_failed=memory.has_failed)
        case OriginMemory():
            state.origins[memory.origin] = memory.state
        case SeenMemory():
            state.seen.recall(memory.episode, memory.seen)
        case ObjectMemory():
            state.objects.recall(memory)
        case CreationMemory():
            state.creations.recall(memory.ref, memory.history, memory.counted)
        case _:
            _recall_told(memory, keepers)


def _recall_told(memory: Memory, keepers: Keepers) -> None:
    """Of those that keep what they have told."""
    match memory:
        case IncidentMemory():
            keepers.lifecycle.recall(memory)
        case HearingMemory():
            keepers.listener.recall(memory.hearing)
        case DriftMemory():
            keepers.drifts.recall(memory)
        case OutageMemory():
            keepers.drifts.outages.recall(memory)
        case AnalysisMemory():
            keepers.analyses.recall(memory)
        case _:
            raise AssertionError("the cluster keeps its own")
