"""Exports of log stores become entries, other JSON is told from logs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.sources.journal import SkipReason
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


@pytest.mark.parametrize(
    "content",
    [
        b'{"apiVersion": "v1", "kind": "List", "items": []}',
        b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n",
    ],
    ids=["JSON", "YAML"],
)
def test_kubernetes_objects_are_no_log(content: bytes, tmp_path: Path, read: Reader) -> None:
    """A directory with a dump of the cluster beside the logs is read without it."""
    (tmp_path / "objects").write_bytes(content)
    (tmp_path / "c.log").write_bytes(b"one\n")
    outcome = read(tmp_path)

    assert ([str(tmp_path / "c.log")], []) == (list(outcome.logs), outcome.problems)
    assert [SkipReason.OBJECTS] == [skipped.reason for skipped in outcome.skipped]
