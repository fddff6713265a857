"""Controllers that are not heard: what only the daemon could notice is in its recording, and so in a replay."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pipeline.sources.recording.records import SilenceTold
from pipeline.sources.recording.rotating import part_of
from tests.pipeline.daemon.living import live
from tests.pipeline.daemon.memory_source import MemorySource
from tests.pipeline.daemon.replaying import replay_recording, told
from tests.pipeline.daemon.running import FAST, run, source_of, stored
from tests.pipeline.daemon.test_daemon import without_transition
from tests.pipeline.sources.recording.recorded import BEGAN, DONE, FIRST, read, records_of, resumed, write

WATCH = msgspec.structs.replace(FAST, silence_seconds=1.0)
QUIET = "healthy-canary"


def _silent(store: Path, recording: Path) -> None:
    """A daemon that hears nothing any more behind the end of a log."""
    live([source_of(QUIET)], store, recording, WATCH)
    assert {"source_silent"} == {one.kind for one in stored(store)}


def test_silence_is_in_a_replay(tmp_path: Path) -> None:
    """As the daemon told of it; over a restart too, which is told by the record of the state that was loaded."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    _silent(store, recording)
    for _ in range(2):
        found = replay_recording(recording).incidents
        assert without_transition(stored(store)) == without_transition(found)
        assert told(stored(store)) == told(found)
        run(source_of(QUIET), store, record=recording)


def test_silence_that_was_noticed_before(tmp_path: Path) -> None:
    """A recording that begins later, and each file of one, knows it from its beginning."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    _silent(store, tmp_path / "first.jsonl")
    settings = msgspec.structs.replace(FAST, record_max_bytes=1, record_files=9)
    others = source_of("emissary-refused").partitions
    run(MemorySource({"others": others["logs/0"]}), store, watch=settings, record=recording)
    for file in (part_of(recording, 2), part_of(recording, 1), recording):
        assert "source_silent" in {one.kind for one in replay_recording(file).incidents}


@pytest.mark.parametrize("is_stored", [True, False])
def test_silence_whose_commit_nobody_knows_of(tmp_path: Path, *, is_stored: bool) -> None:
    """The process died at the commit: what the next one found in the store tells."""
    _silent(tmp_path / "whystuck.db", tmp_path / "first.jsonl")
    *_, silence = [one for one in records_of(tmp_path / "first.jsonl")[0] if isinstance(one, SilenceTold)]
    state = msgspec.structs.replace(resumed(1), silences=(silence.incident,) if is_stored else ())
    written = write(tmp_path / "recording", BEGAN, FIRST, read(0, "a"), DONE, silence, BEGAN, state)
    assert is_stored == bool(replay_recording(written).incidents)
