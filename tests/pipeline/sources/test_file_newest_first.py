"""Files that begin with the newest line are read from their end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.sources.journal import ReadLimits
from tests.pipeline.sources.file_samples import Reader

OLD_TO_NEW = [b'time="2026-01-01T10:%02d:%02dZ" level=info msg=%d' % (n // 60, n % 60, n) for n in range(600)]


@pytest.mark.parametrize("block_bytes", [1 << 22, 2000], ids=["in memory", "on disk"])
@pytest.mark.parametrize("end", [b"\n", b""], ids=["with line feed", "without line feed"])
def test_newest_first_file_is_turned_around(block_bytes: int, end: bytes, tmp_path: Path, read: Reader) -> None:
    """The oldest line comes first, and every line keeps the number it has in the file."""
    path = tmp_path / "export.log"
    path.write_bytes(b"\n".join(reversed(OLD_TO_NEW)) + end)
    outcome = read(path, limits=ReadLimits(block_bytes=block_bytes))
    numbers = [number for block in outcome.logs[str(path)] for number in block.line_numbers or ()]

    assert OLD_TO_NEW == outcome.lines
    assert list(range(600, 0, -1)) == numbers
    assert "the newest lines come first" in outcome.notes[0].text


@pytest.mark.parametrize("block_bytes", [1 << 22, 2000], ids=["in memory", "on disk"])
def test_newest_first_document_is_turned_around(block_bytes: int, tmp_path: Path, read: Reader) -> None:
    """Exports are documents more often than not."""
    path = tmp_path / "export.json"
    entries = [{"timestamp": line[6:26].decode(), "message": line.decode()} for line in reversed(OLD_TO_NEW)]
    path.write_text(json.dumps(entries, indent=0))
    outcome = read(path, limits=ReadLimits(block_bytes=block_bytes))
    numbers = [number for block in outcome.logs[str(path)] for number in block.line_numbers or ()]

    assert OLD_TO_NEW == [json.loads(line)["message"].encode() for line in outcome.lines]
    assert list(range(2 + 4 * 599, 0, -4)) == numbers


@pytest.mark.parametrize(
    "lines",
    [OLD_TO_NEW, [b"no time"] * 9, OLD_TO_NEW[:1], OLD_TO_NEW[300:] + OLD_TO_NEW[:300]],
    ids=["oldest first", "no times", "one line", "two logs joined"],
)
def test_other_files_stay_as_they_are(lines: list[bytes], tmp_path: Path, read: Reader) -> None:
    """Only a file that runs backwards is turned around."""
    path = tmp_path / "c.log"
    path.write_bytes(b"\n".join(lines))
    outcome = read(path)

    assert (lines, []) == (outcome.lines, outcome.notes)


def test_no_room_to_turn_a_file_around_is_a_problem(
    tmp_path: Path, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says where the room is missing, and the other files are read."""
    path = tmp_path / "export.log"
    path.write_bytes(b"\n".join(reversed(OLD_TO_NEW)))
    other = tmp_path / "other.log"
    other.write_bytes(b"one\n")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    outcome = read(path, other, limits=ReadLimits(block_bytes=2000))

    assert (b"", b"one\n") == tuple(outcome.texts.values())
    assert "make room there, or set TMPDIR to a larger place" in str(outcome.problems[0])
