"""A replay of what the daemon has recorded gives the incidents that the daemon has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.failures import FailureFinder
from parsers.records import Origin
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from pipeline.extract import read_objects_of
from pipeline.replay import ReplayResult, replay
from pipeline.sources.files import InputFiles
from pipeline.sources.live import LiveSource
from pipeline.sources.object_streams import ObjectStream
from tests.pipeline.daemon.living import live
from tests.pipeline.daemon.memory_source import MemorySource, Record
from tests.pipeline.daemon.objects_in_memory import ObjectsInMemory
from tests.pipeline.daemon.running import DiedError, DiesAt, run, source_of, stored
from tests.pipeline.daemon.test_daemon import OF_LOGS, SMALL, STEPS, without_transition
from tests.scenarios.scenarios import READ_AT, SCENARIOS, built_in_rules, load

LIVED = [
    "emissary-refused",
    "apiserver-killed-75s",
    "cause-in-another-log",
    "controller-restarted-twice",
    "unknown-suspects-rejected",
    "blocked-kcm-log",
    "healthy-handover",
]
SUFFIXES = ["jsonl", "jsonl.gz", "jsonl.zst"]


def _replay(recording: Path) -> ReplayResult:
    files = InputFiles([str(recording)])
    result = replay(files, EngineSettings(), built_in_rules(), read_at=READ_AT)
    assert [] == files.problems
    return result


@pytest.mark.parametrize("name", OF_LOGS)
def test_scenario(name: str, tmp_path: Path) -> None:
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    run(source_of(name), store, record=recording)
    assert without_transition(stored(store)) == without_transition(_replay(recording).incidents)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("step", STEPS)
def test_process_that_dies_at_a_step(step: str, suffix: str, tmp_path: Path) -> None:
    """Again and again, each time a little later; all processes record into the same file."""
    store, recording = tmp_path / "whystuck.db", tmp_path / f"recording.{suffix}"
    deaths = 0
    for time in (1, 2, 4, 7):
        try:
            run(source_of(SMALL), store, steps=DiesAt(step, time), record=recording)
        except DiedError:
            deaths += 1
    run(source_of(SMALL), store, record=recording)
    assert deaths >= 2
    assert without_transition(stored(store)) == without_transition(_replay(recording).incidents)


def _told(incidents: Iterable[Incident]) -> list[tuple[str, int, str, str]]:
    return [(one.id, one.revision, one.transition.name, one.transition.reason) for one in incidents]


@pytest.mark.parametrize("name", LIVED)
def test_daemon_that_looks_for_incidents_all_the_time(name: str, tmp_path: Path) -> None:
    """It tells of incidents as they come, and is ended by a signal: the same was told as often."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    live([source_of(name)], store, recording)
    found = _replay(recording).incidents
    assert without_transition(stored(store)) == without_transition(found)
    assert _told(stored(store)) == _told(found)


def _objects_of(scenario: str) -> list[ObjectSeen]:
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


WITH_OBJECTS = ["injector-expired-replicasets-only", "injector-expired-with-objects", "certificate-stale-served"]


@pytest.mark.parametrize("is_live", [True, False], ids=["live", "once"])
@pytest.mark.parametrize("history", ["they stay", "they go", "they are missing", "they may not be read"])
@pytest.mark.parametrize("scenario", WITH_OBJECTS)
def test_objects(scenario: str, history: str, is_live: bool, tmp_path: Path) -> None:
    """Seen, deleted, listed and refused, beside the lines of the controller or alone."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    sources: list[LiveSource] = [ObjectsInMemory(_histories(_objects_of(scenario))[history])]
    if logs := [log for log in load(scenario).logs if log.endswith(".log")]:
        lines = [(SCENARIOS / scenario / log).read_bytes().splitlines() for log in logs]
        sources.append(MemorySource({log: [Record(line, Origin(log)) for line in lines[0]] for log in logs}))
    if is_live:
        live(sources, store, recording)
    else:
        run(sources[0], store, others=sources[1:], record=recording)
    found = _replay(recording).incidents
    assert without_transition(stored(store)) == without_transition(found)
    assert _told(stored(store)) == _told(found)
    assert found or history != "they stay"
