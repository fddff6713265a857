"""Recordings made by hand, and how they are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from parsers.records import Origin
from pipeline.sources.files import InputFiles
from pipeline.sources.recording.reading import RecordingStream
from pipeline.sources.recording.records import (
    FORMAT,
    AnyRecord,
    Began,
    Committed,
    Read,
    RecordedBlock,
    Resumed,
    encode,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEGAN = Began(FORMAT, "0.1", AT)
FIRST = Resumed(AT, {})
DONE = Committed()


def read(first: int, *lines: str, stream: str = "topic/0") -> Read:
    """A read of some lines."""
    block = RecordedBlock(Origin(stream), lines, first)
    return Read("kafka", stream, AT + timedelta(seconds=first), first + len(lines), (block,))


def resumed(next_line: int, stream: str = "topic/0") -> Resumed:
    """The store holds everything up to a line."""
    return Resumed(AT, {"kafka": {stream: next_line}})


def write(path: Path, *records: AnyRecord) -> Path:
    """A file of records."""
    path.write_bytes(b"".join(map(encode, records)))
    return path


def records_of(path: Path) -> tuple[list[AnyRecord], list[str]]:
    """The records of a file, and what is told of it."""
    files = InputFiles([str(path)])
    found: list[AnyRecord] = []
    for stream in files.streams():
        assert isinstance(stream, RecordingStream)
        found += stream.records()
    return found, [str(problem) for problem in files.problems]


def lines_of(path: Path) -> list[str]:
    """The lines in it."""
    found, problems = records_of(path)
    assert [] == problems
    return [line for one in found if isinstance(one, Read) for block in one.blocks for line in block.lines]
