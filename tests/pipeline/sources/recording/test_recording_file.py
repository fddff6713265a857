"""The file of a recording is only added to, by one process, and goes on behind what a killed one has left."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import pytest
import zstandard

from pipeline.errors import ConfigurationError
from pipeline.sources.recording.compressing import MEMBER_BYTES
from pipeline.sources.recording.file import RecordingFile

SUFFIXES = ["jsonl", "jsonl.gz", "jsonl.zst"]
HEAD = b'{"type":"recording","format":1}\n'


def _text(path: Path) -> bytes:
    data = path.read_bytes()
    match path.suffix:
        case ".gz":
            return gzip.decompress(data)
        case ".zst":
            with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
                return reader.read()
        case _:
            return data


@pytest.fixture(params=SUFFIXES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"recording.{request.param}"


def _lines(count: int, size: int = 100) -> list[bytes]:
    return [b'{"n":%d,"x":"%s"}\n' % (number, os.urandom(size // 2).hex().encode()) for number in range(count)]


def _write(path: Path, *texts: bytes) -> None:
    file = RecordingFile(path)
    for text in texts:
        file.add(text)
        file.flush()
    file.close()


def test_several_processes_write_one_file(path: Path) -> None:
    """Each behind the other."""
    written = [HEAD, *_lines(30)]
    for start in range(0, 31, 10):
        _write(path, *written[start : start + 10])
    assert b"".join(written) == _text(path)


def test_its_owner_only_may_read_it(path: Path) -> None:
    """Whatever the umask lets others do."""
    before = os.umask(0)
    try:
        _write(path, HEAD)
    finally:
        os.umask(before)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("cut_bytes", [0, 1, 20, 300])
def test_process_was_killed(path: Path, cut_bytes: int) -> None:
    """What it had flushed is there; a record that was cut is gone, and what follows can be read."""
    lines = _lines(200)
    file = RecordingFile(path)
    for line in (HEAD, *lines):
        file.add(line)
        file.flush()
    file.abandon()
    with path.open("rb+") as cut:
        cut.truncate(path.stat().st_size - cut_bytes)
    _write(path, b"{}\n")
    *found, last = _text(path).splitlines(keepends=True)
    assert b"{}\n" == last
    assert [HEAD, *lines][: len(found)] == found
    assert len(found) >= 201 - 1 - cut_bytes // 20


def test_long_recording_is_cut_into_members(tmp_path: Path) -> None:
    """So that the next process has little to read anew, and none of it is lost."""
    path = tmp_path / "recording.jsonl.zst"
    lines = [HEAD, *_lines(30, MEMBER_BYTES // 8)]
    file = RecordingFile(path)
    for line in lines:
        file.add(line)
        file.flush()
    file.abandon()
    whole_bytes = path.stat().st_size
    _write(path, b"{}\n")
    assert b"".join([*lines, b"{}\n"]) == _text(path)
    assert abs(path.stat().st_size - whole_bytes) < MEMBER_BYTES


REFUSED = {
    "of something else": (b"a log\n", "cannot be added to: it holds something else; name a new file"),
    "compressed in another way": (gzip.compress(HEAD), "cannot be added to: what it holds is gzip"),
}


@pytest.mark.parametrize(("content", "why"), REFUSED.values(), ids=REFUSED)
def test_file_that_is_no_recording_is_left_alone(content: bytes, why: str, tmp_path: Path) -> None:
    """It says what is wrong, and what to do."""
    path = tmp_path / "recording.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=why):
        RecordingFile(path)
    assert content == path.read_bytes()


def test_two_processes_at_once(path: Path) -> None:
    """The second one is told so."""
    file = RecordingFile(path)
    with pytest.raises(ConfigurationError, match="another process writes it"):
        RecordingFile(path)
    file.close()


def test_place_where_no_file_can_be(tmp_path: Path) -> None:
    """A directory, a directory that is missing, a device."""
    for path, why in (
        (tmp_path, "is a directory; name a file in it"),
        (tmp_path / "missing" / "x", "no such file or directory; make its directory first"),
        (Path("/dev/null"), "not a regular file"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            RecordingFile(path)
