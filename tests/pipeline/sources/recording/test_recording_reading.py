"""A recording is known by its content, and read as far as it was committed."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import msgspec
import pytest

from pipeline.sources.files import InputFiles
from pipeline.sources.recording.reading import RecordingStream
from pipeline.sources.recording.records import AnyRecord, Began, Forgot, Read, Released, Resumed, encode
from tests.pipeline.sources.recording.recorded import (
    AT,
    BEGAN,
    DONE,
    FIRST,
    lines_of,
    read,
    records_of,
    resumed,
    write,
)

BATCHES: dict[str, tuple[list[AnyRecord], list[str]]] = {
    "all committed": ([read(0, "a"), DONE, read(1, "b"), DONE], ["a", "b"]),
    "the newest batch, of which nobody knows": ([read(0, "a"), DONE, read(1, "b")], ["a", "b"]),
    "a commit that failed": ([read(0, "a"), DONE, read(1, "b"), resumed(1), read(1, "b"), DONE], ["a", "b"]),
    "killed before the commit": ([read(0, "a"), DONE, read(1, "b"), BEGAN, resumed(1), read(1, "b")], ["a", "b"]),
    "killed behind the commit": ([read(0, "a"), DONE, read(1, "b"), BEGAN, resumed(2), read(2, "c")], ["a", "b", "c"]),
    "a batch of two streams": (
        [read(0, "a"), read(0, "x", stream="topic/1"), resumed(1), read(0, "x", stream="topic/1"), DONE],
        ["x"],
    ),
    "nothing was ever committed": ([read(0, "a"), BEGAN, FIRST, read(0, "a"), DONE], ["a"]),
}


@pytest.mark.parametrize(("records", "expected"), BATCHES.values(), ids=BATCHES)
def test_what_was_committed_is_read(records: list[AnyRecord], expected: list[str], tmp_path: Path) -> None:
    """No line that was rolled back, and each line once."""
    assert expected == lines_of(write(tmp_path / "any", BEGAN, FIRST, *records))


def test_recording_is_found_by_its_content(tmp_path: Path) -> None:
    """Whatever its name is, compressed, and in an archive."""
    plain = write(tmp_path / "controller.log", BEGAN, FIRST, read(0, "a"), DONE)
    packed = tmp_path / "x.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    with tarfile.open(tmp_path / "y.tar", "w") as archive:
        archive.add(packed, "in/it")
    for path in (plain, packed, tmp_path / "y.tar"):
        assert ["a"] == lines_of(path)


def test_record_that_is_cut_off(tmp_path: Path) -> None:
    """Everything before it is read, and that something is missing is told."""
    path = write(tmp_path / "any", BEGAN, FIRST, read(0, "a"), DONE, read(1, "b"))
    path.write_bytes(path.read_bytes()[:-10])
    found, problems = records_of(path)
    assert [BEGAN, read(0, "a")] == [found[0], found[2]]
    (problem,) = problems
    assert "its last record is cut off: it is still being written, or its writer was killed" in problem


def test_records_that_cannot_be_read(tmp_path: Path) -> None:
    """They are counted and told; the others are read."""
    path = write(tmp_path / "any", BEGAN, FIRST, read(0, "a"))
    broken = b'{"type":"read"}\n{"type":"invented"}\nrubbish\n\xff\xfe\n'
    path.write_bytes(path.read_bytes() + broken + encode(read(1, "b")))
    found, problems = records_of(path)
    assert [read(0, "a"), read(1, "b")] == found[2:]
    (problem,) = problems
    assert "4 records of it cannot be read, the first in line 4" in problem


def test_recording_of_a_later_format(tmp_path: Path) -> None:
    """It is said from where on it is one, and which version can read it."""
    later = msgspec.structs.replace(BEGAN, format=2, whystuck="9.0")
    assert isinstance(later, Began)
    found, problems = records_of(write(tmp_path / "any", BEGAN, FIRST, read(0, "a"), DONE, later, read(1, "b")))
    assert read(0, "a") in found
    assert read(1, "b") not in found
    assert "from line 5 on it was written by whystuck 9.0, in a format of its own" in problems[0]


def test_cluster_that_the_user_names(tmp_path: Path) -> None:
    """It is that of lines that name none."""
    path = write(tmp_path / "any", BEGAN, FIRST, read(0, "a"), DONE)
    (stream,) = InputFiles([str(path)], cluster="prod").streams()
    found = [block.origin.cluster for one in stream.records() if hasattr(one, "blocks") for block in one.blocks]
    assert ["prod"] == found


def test_recording_among_the_parts_of_a_log(tmp_path: Path) -> None:
    """It is no part of one."""
    write(tmp_path / "a.log.1", BEGAN, FIRST)
    (tmp_path / "a.log").write_text("a line\n")
    files = InputFiles([str(tmp_path)])
    for stream in files.streams():
        list(stream.blocks())
    (problem,) = files.problems
    assert "it holds a recording and has the name of a part of a rotated log" in str(problem)


def test_files_of_one_recording(tmp_path: Path) -> None:
    """They are read as one, the oldest first; one that holds something else is told and left out."""
    write(tmp_path / "a.jsonl.2", BEGAN, FIRST, read(0, "a"), DONE)
    (tmp_path / "a.jsonl.1").write_text("a line\n")
    write(tmp_path / "a.jsonl", BEGAN, resumed(1), read(1, "b"), DONE)
    files = InputFiles([str(tmp_path)])
    (stream,) = files.streams()
    assert isinstance(stream, RecordingStream)
    found = [line for one in stream.records() if isinstance(one, Read) for block in one.blocks for line in block.lines]
    assert ["a", "b"] == found
    (problem,) = files.problems
    assert "it holds none, and has the name of a part of a recording" in str(problem)


def test_batch_without_lines(tmp_path: Path) -> None:
    """It was committed, or does no harm."""
    found, _ = records_of(write(tmp_path / "any", BEGAN, FIRST, Forgot(AT), BEGAN, FIRST))
    assert Forgot(AT) in found


HELD = Resumed(AT, {"kafka": {"topic/0": 2}}, {"kafka": {"topic/0": 1}})


@pytest.mark.parametrize(("found", "is_taken"), [(HELD, False), (resumed(2), True)], ids=["before", "behind"])
def test_batch_of_lines_that_were_held_back(found: Resumed, is_taken: bool, tmp_path: Path) -> None:
    """Where reading begins again tells whether it was committed."""
    released = Released("kafka", "topic/0", AT, 1.0, 2)
    path = write(tmp_path / "any", BEGAN, FIRST, read(0, "a", "b"), DONE, released, BEGAN, found)
    assert is_taken == (released in records_of(path)[0])
