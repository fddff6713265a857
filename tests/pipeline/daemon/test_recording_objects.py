"""A replay of a recording with objects gives the incidents that the daemon has."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.facts.workloads import ReplicaSetFacts
from parsers.failures import FailureFinder
from parsers.records import Origin
from pipeline.engine.settings import EngineSettings
from pipeline.extract import read_objects_of
from pipeline.sources.files import InputFiles
from pipeline.sources.object_streams import ObjectStream
from tests.pipeline.daemon.living import Endable, live
from tests.pipeline.daemon.memory_source import MemorySource, Record
from tests.pipeline.daemon.objects_in_memory import ObjectsInMemory
from tests.pipeline.daemon.replaying import replay_recording, told
from tests.pipeline.daemon.running import DiedError, DiesAt, run, source_of, stored
from tests.pipeline.daemon.test_daemon import STEPS, without_transition
from tests.scenarios.scenarios import READ_AT, SCENARIOS, built_in_rules, load


def objects_of(scenario: str) -> list[ObjectSeen]:
    """What the object files of a scenario show, as a watch would."""
    files = InputFiles([str(SCENARIOS / scenario / name) for name in load(scenario).logs])
    streams = (stream for stream in files.streams() if isinstance(stream, ObjectStream))
    finder = FailureFinder(built_in_rules())
    snapshots = [read_objects_of(stream, finder, read_at=READ_AT) for stream in streams]
    shown = [event for snapshot in snapshots for event in snapshot.events]
    return [msgspec.structs.replace(event, origin=Origin("objects"), failure=None, latest_at=None) for event in shown]


def _histories(shown: Sequence[ObjectSeen]) -> dict[str, list[ObjectEvent]]:
    """What may become of objects: they stay, they are seen to go, they are missing in the next list."""
    end = max(event.at for event in shown) + timedelta(minutes=2)
    listed: dict[str, list[ObjectRef]] = {}
    for event in shown:
        listed.setdefault(event.facts.ref.kind, []).append(event.facts.ref)
    lists = [ObjectsListed(end, Origin("objects"), 0, kind, tuple(refs)) for kind, refs in listed.items()]
    gone = [msgspec.structs.replace(event, at=end, is_deleted=True) for event in shown]
    refused = [ObjectsUnread(end, Origin("objects"), 0, kind, "may not be read") for kind in listed]
    return {
        "they stay": [*shown, *lists],
        "they go": [*shown, *lists, *gone],
        "they are missing": [*shown, *(msgspec.structs.replace(one, refs=()) for one in lists)],
        "they may not be read": [*shown, *refused],
    }


WITH_OBJECTS = [
    ("injector-expired-replicasets-only", False),
    ("injector-expired-with-objects", True),
    ("certificate-stale-served", True),
]


@pytest.mark.parametrize("history", ["they stay", "they go", "they are missing", "they may not be read"])
@pytest.mark.parametrize(("scenario", "is_live"), WITH_OBJECTS)
def test_objects(scenario: str, history: str, is_live: bool, tmp_path: Path) -> None:
    """Seen, deleted, listed and refused, beside the lines of the controller or alone."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    sources: list[Endable] = [ObjectsInMemory(_histories(objects_of(scenario))[history])]
    if logs := [log for log in load(scenario).logs if log.endswith(".log")]:
        lines = [(SCENARIOS / scenario / log).read_bytes().splitlines() for log in logs]
        sources.append(MemorySource({log: [Record(line, Origin(log)) for line in lines[0]] for log in logs}))
    if is_live:
        live(sources, store, recording)
    else:
        run(sources[0], store, others=sources[1:], record=recording)
    found = replay_recording(recording).incidents
    assert without_transition(stored(store)) == without_transition(found)
    assert told(stored(store)) == told(found)
    assert found or history != "they stay"


@pytest.mark.parametrize("end", ["goes on", "becomes another", "is over with its Rollout"])
def test_numbers_that_do_not_fit_for_long(end: str, tmp_path: Path) -> None:
    """Nothing but time tells that: it is recorded, too."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    shown = objects_of("seed-emissary-with-objects")
    rollouts = [event for event in shown if isinstance(event.facts, RolloutFacts)]
    sets = [event for event in shown if isinstance(event.facts, ReplicaSetFacts)]
    later: dict[str, list[ObjectSeen]] = {
        "goes on": [],
        "becomes another": [msgspec.structs.replace(event, is_deleted=True) for event in sets],
        "is over with its Rollout": [msgspec.structs.replace(event, is_deleted=True) for event in rollouts],
    }
    engine = EngineSettings(drift_seconds=20.0)
    source = ObjectsInMemory(shown, later[end], is_watched_on=True)
    live([source], store, recording, engine=engine)
    found = replay_recording(recording, engine=engine).incidents
    status = "resolved" if end == "is over with its Rollout" else "open"
    assert [("drift", status)] == [(one.kind, one.status) for one in found]
    assert without_transition(stored(store)) == without_transition(found)
    assert told(stored(store)) == told(found)


@pytest.mark.parametrize("step", STEPS)
def test_process_that_dies_at_a_step(step: str, tmp_path: Path) -> None:
    """Objects are listed anew then, under numbers that others had before."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    shown = _histories(objects_of("injector-expired-replicasets-only"))["they stay"]
    for time in (1, 2, 3):
        random.Random(time).shuffle(shown)
        with contextlib.suppress(DiedError):
            run(ObjectsInMemory(shown, per_read=2), store, steps=DiesAt(step, time), record=recording)
    run(ObjectsInMemory(shown), store, record=recording)
    found = replay_recording(recording).incidents
    assert without_transition(stored(store)) == without_transition(found)


def _changed(event: ObjectSeen, chance: random.Random) -> ObjectSeen:
    """The object with other numbers, or gone."""
    facts = event.facts
    if chance.random() < 0.1:
        return msgspec.structs.replace(event, is_deleted=True)
    if isinstance(facts, RolloutFacts | ReplicaSetFacts):
        numbers = {name: chance.choice([16, 21, 24]) for name in ("desired", "current", "available", "ready")}
        facts = msgspec.structs.replace(facts, **numbers)
    return msgspec.structs.replace(event, facts=facts)


@pytest.mark.parametrize("seed", range(4))
def test_numbers_that_change_all_the_time(seed: int, tmp_path: Path) -> None:
    """Whatever the daemon made of them."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    chance = random.Random(seed)
    shown = objects_of("seed-emissary-with-objects")
    later = [_changed(chance.choice(shown), chance) for _ in range(40)]
    engine = EngineSettings(drift_seconds=5.0)
    source = ObjectsInMemory(shown, later, per_read=1 + seed, is_watched_on=True)
    live([source_of("controller-restarted-twice"), source], store, recording, engine=engine)
    found = replay_recording(recording, engine=engine).incidents
    assert without_transition(stored(store)) == without_transition(found)
    assert told(stored(store)) == told(found)
    assert found
