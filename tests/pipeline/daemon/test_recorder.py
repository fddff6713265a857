"""A recording that cannot go on ends, is told of, and never ends the daemon."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from parsers.records import Block, Origin
from pipeline.daemon.recording import FileRecorder, RecordingSize
from pipeline.engine.settings import EngineSettings
from pipeline.errors import ConfigurationError
from pipeline.sources.live import Fetched
from tests.pipeline.daemon.replaying import replay_recording
from tests.pipeline.daemon.running import FAST, run, source_of, stored
from tests.pipeline.daemon.test_daemon import SMALL, without_transition
from tests.pipeline.sources.recording.recorded import lines_of
from tests.scenarios.scenarios import replayed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FULL = "watch.record_max_bytes is reached: 3000 bytes"


class Observed:
    """What was told of a recording."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.problem = ""

    def recorded(self, size_bytes: int, problem: str) -> None:
        self.size_bytes, self.problem = size_bytes, problem


def _recorder(path: Path, observed: Observed, max_bytes: int = 1 << 40) -> FileRecorder:
    return FileRecorder(path, RecordingSize(max_bytes), "0.1", EngineSettings(), observed)


def take(recorder: FileRecorder, number: int) -> None:
    """One line, committed."""
    block = Block(b"line %d\n" % number, Origin("topic/0"), number, (number,))
    recorder.read("kafka", Fetched("topic/0", (block,), number + 1), NOW)
    recorder.prepared(())
    recorder.committed()


@contextmanager
def _disk_of(size_bytes: int) -> Iterator[None]:
    """Files of this process cannot grow beyond this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz"])
def test_disk_that_is_full(suffix: str, tmp_path: Path) -> None:
    """What was committed before stays; a later process goes on behind it."""
    path, observed = tmp_path / f"recording.{suffix}", Observed()
    recorder = _recorder(path, observed)
    take(recorder, 0)
    with _disk_of(path.stat().st_size + 60):
        for number in range(1, 40):
            take(recorder, number)
    assert "cannot be written: file too large" == observed.problem
    recorder.end()
    observed = Observed()
    recorder = _recorder(path, observed)
    take(recorder, 99)
    recorder.end()
    assert ("", path.stat().st_size) == (observed.problem, observed.size_bytes)
    found = lines_of(path)
    assert ("line 0", "line 99") == (found[0], found[-1])
    assert len(found) < 40


def test_size_that_is_reached(tmp_path: Path) -> None:
    """Recording ends behind a commit; it is no error to start again with a file that is full."""
    path, observed = tmp_path / "recording", Observed()
    recorder = _recorder(path, observed, 3000)
    for number in range(100):
        take(recorder, number)
    assert FULL == observed.problem
    assert 3000 <= path.stat().st_size < 3300
    found = lines_of(path)
    assert [f"line {number}" for number in range(len(found))] == found
    before = path.read_bytes()
    recorder = _recorder(path, observed, 3000)
    take(recorder, 7)
    recorder.end()
    assert (FULL, before) == (observed.problem, path.read_bytes())


def test_daemon_goes_on_without_its_recording(tmp_path: Path) -> None:
    """It finds what it finds without one, and what was recorded can be read."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    run(source_of(SMALL), store, watch=msgspec.structs.replace(FAST, record_max_bytes=20_000), record=recording)
    assert without_transition(replayed(SMALL)) == without_transition(stored(store))
    assert 20_000 <= recording.stat().st_size < 60_000
    assert 0 < replay_recording(recording).totals.lines < 681


def test_file_that_cannot_be_written_at_the_start(tmp_path: Path) -> None:
    """The daemon does not begin: nobody would notice later that there is no recording."""
    with pytest.raises(ConfigurationError, match=r"watch\.record: .*no such file or directory; make its directory"):
        run(source_of(SMALL), tmp_path / "whystuck.db", record=tmp_path / "missing" / "recording")
