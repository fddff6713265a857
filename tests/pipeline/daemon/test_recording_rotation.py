"""A recording of several files: together they give what the daemon has found, and each can be replayed alone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from parsers.facts.seen import ObjectSeen
from pipeline.daemon.recording import FileRecorder, RecordingSize
from pipeline.engine.settings import EngineSettings
from pipeline.sources.recording.records import Continued, Read
from pipeline.sources.recording.rotating import make_room, part_of
from pipeline.watch_settings import WatchSettings
from tests.pipeline.daemon.living import live
from tests.pipeline.daemon.objects_in_memory import ObjectsInMemory
from tests.pipeline.daemon.replaying import replay_recording, told
from tests.pipeline.daemon.running import FAST, DiedError, DiesAt, run, source_of, stored
from tests.pipeline.daemon.test_daemon import SMALL, without_transition
from tests.pipeline.daemon.test_recorder import Observed, take
from tests.pipeline.daemon.test_recording_objects import objects_of
from tests.pipeline.sources.recording.recorded import AT, BEGAN, DONE, FIRST, lines_of, read, records_of, write
from tests.scenarios.scenarios import SCENARIOS, load

ALONE = "a file before it is missing: of what was known from there only the objects are in it; give both to one replay"
UNBOUNDED = 1_000
"""Files: none of these recordings has so many."""


def _settings(max_bytes: int, files: int = UNBOUNDED) -> WatchSettings:
    return msgspec.structs.replace(FAST, record_max_bytes=max_bytes, record_files=files)


def _parts(path: Path) -> list[Path]:
    """All files of a recording, the oldest first."""
    numbers = [number for number in range(1, UNBOUNDED) if part_of(path, number).exists()]
    return [*(part_of(path, number) for number in reversed(numbers)), path]


@pytest.mark.parametrize(("suffix", "max_bytes"), [("jsonl", 20_000), ("jsonl.gz", 3_000), ("zst", 3_000)])
def test_files_together(suffix: str, max_bytes: int, tmp_path: Path) -> None:
    """In whatever order they are given."""
    store, recording = tmp_path / "whystuck.db", tmp_path / f"recording.{suffix}"
    live([source_of(SMALL)], store, recording, _settings(max_bytes))
    parts = _parts(recording)
    assert len(parts) > 2
    notes: list[str] = []
    found = replay_recording(*parts[::-1], notes=notes).incidents
    assert [] == notes
    assert without_transition(stored(store)) == without_transition(found)
    assert told(stored(store)) == told(found)


@pytest.mark.parametrize("step", ["fed", "prepared", "committed"])
def test_process_that_dies_over_many_files(step: str, tmp_path: Path) -> None:
    """Again and again; once it has made room for a new file and has died before it began it."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    for time in (1, 2, 5):
        with pytest.raises(DiedError):
            run(source_of(SMALL), store, watch=_settings(20_000), steps=DiesAt(step, time), record=recording)
    make_room(recording, UNBOUNDED)
    run(source_of(SMALL), store, watch=_settings(20_000), record=recording)
    parts = _parts(recording)
    assert len(parts) > 2
    assert without_transition(stored(store)) == without_transition(replay_recording(*parts).incidents)


def test_oldest_files_go(tmp_path: Path) -> None:
    """So many are kept; what is left says that something is missing before it, and so does a gap between two."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    run(source_of(SMALL), store, watch=_settings(20_000, 4), record=recording)
    parts = _parts(recording)
    assert 4 == len(parts)
    assert all(part.stat().st_size < 60_000 for part in parts)
    for given in (parts, parts[:1], parts[1:], [parts[0], parts[2]]):
        notes: list[str] = []
        replay_recording(*given, notes=notes)
        assert [ALONE] == [note.partition(": ")[2] for note in notes]


def test_next_file_begins_with_what_is_known_of_objects(tmp_path: Path) -> None:
    """They were listed when the daemon began, and are not listed for a new file."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    shown = objects_of("emissary-500-with-objects")
    run(ObjectsInMemory(shown), store, watch=_settings(50_000), record=recording)
    run(source_of(SMALL), store, watch=_settings(50_000), record=recording)
    records = [record for part in _parts(recording) for record in records_of(part)[0]]
    (*_, newest) = [record.objects for record in records if isinstance(record, Continued)]
    assert {event.facts.ref for event in shown} == {
        event.facts.ref for event in newest if isinstance(event, ObjectSeen)
    }
    (whole,) = replay_recording(*_parts(recording)).incidents
    assert without_transition(stored(store)) == without_transition([whole])


def test_file_alone_knows_the_objects(tmp_path: Path) -> None:
    """It gives the culprit that only they name, and the way there."""
    scenario = "emissary-500-with-objects"
    (log,) = [log for log in load(scenario).logs if log.endswith(".log")]
    objects = tuple(objects_of(scenario))
    lines = (SCENARIOS / scenario / log).read_text(encoding="utf-8").splitlines()
    began = Continued(AT, {"kafka": {"topic/0": 0}, "objects": {"objects": 9}}, objects=objects)
    alone = write(tmp_path / "alone", BEGAN, began, read(0, *lines), DONE)
    whole = write(
        tmp_path / "whole",
        BEGAN,
        FIRST,
        Read("objects", "objects", AT, 9, objects=objects),
        DONE,
        BEGAN,
        began,
        read(0, *lines),
        DONE,
    )
    notes: list[str] = []
    (incident,) = replay_recording(alone, notes=notes).incidents
    assert ("relation", "emissary-apiext") == (incident.cause.basis, getattr(incident.cause.culprit, "name", ""))
    assert [ALONE] == [note.partition(": ")[2] for note in notes]
    assert without_transition([incident]) == without_transition(replay_recording(whole).incidents)


def _recorder(path: Path, observed: Observed, files: int) -> FileRecorder:
    return FileRecorder(path, RecordingSize(3_000, files), "0.1", EngineSettings(), observed)


def test_file_that_is_full_at_the_start(tmp_path: Path) -> None:
    """A new one is begun."""
    path, observed = tmp_path / "recording.jsonl", Observed()
    recorder = _recorder(path, observed, 1)
    for number in range(100):
        take(recorder, number)
    assert observed.problem
    recorder = _recorder(path, observed, 2)
    take(recorder, 200)
    recorder.end()
    assert "" == observed.problem
    assert ["line 200"] == lines_of(path)
    assert "line 0" == lines_of(part_of(path, 1))[0]


def test_file_that_cannot_make_room(tmp_path: Path) -> None:
    """The recording ends there, which is told, with everything before it."""
    path, observed = tmp_path / "recording.jsonl", Observed()
    (part_of(path, 1) / "in the way").mkdir(parents=True)
    recorder = _recorder(path, observed, 2)
    for number in range(100):
        take(recorder, number)
    recorder.end()
    assert observed.problem.startswith("cannot be written: ")
    found = lines_of(path)
    assert [f"line {number}" for number in range(len(found))] == found


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/b.jsonl", "a/b.jsonl.3"), ("b.jsonl.zst", "b.jsonl.3.zst"), ("b.gz", "b.3.gz"), ("b", "b.3")],
)
def test_names(path: str, expected: str) -> None:
    """As log rotation calls them."""
    assert Path(expected) == part_of(Path(path), 3)
