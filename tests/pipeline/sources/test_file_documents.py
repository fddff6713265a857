"""Exports of log stores become entries, other JSON is told from logs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from tests.pipeline.sources.file_samples import Reader

MESSAGES = ["level=info msg=one", "level=info msg=two"]


def test_json_array_gives_its_entries(tmp_path: Path, read: Reader) -> None:
    """Each entry is a line, with the number of the physical line it begins on."""
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"message": message} for message in MESSAGES], indent=1))
    (block,) = read(path).logs[str(path)]

    assert MESSAGES == [json.loads(line)["message"] for line in block.data.splitlines()]
    assert (2, 5) == block.line_numbers


def test_csv_gives_its_entries(tmp_path: Path, read: Reader) -> None:
    """An entry may go over several lines, inside an archive too."""
    path = tmp_path / "export.csv.gz"
    path.write_bytes(gzip.compress(b'timestamp,message\n2026-01-01T00:00:00Z,"one\nmore"\n2026-01-01T00:00:01Z,two\n'))
    (block,) = read(path).logs[str(path)]

    assert 2 == len(block.data.splitlines())
    assert (2, 4) == block.line_numbers
