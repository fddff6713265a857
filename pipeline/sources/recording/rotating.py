"""The files of a recording that goes on in a new one when one is full: called as log rotation calls them.

`incident.jsonl.1` is the file before `incident.jsonl`, `incident.jsonl.1.zst` that before `incident.jsonl.zst`.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.recording.compressing import COMPRESSED


def part_of(path: Path, number: int) -> Path:
    """The file that was written so many files before."""
    if path.suffix in COMPRESSED:
        return path.with_name(f"{path.stem}.{number}{path.suffix}")
    return path.with_name(f"{path.name}.{number}")


def make_room(path: Path, file_count: int) -> None:
    """Give the file, and those before it, the next number; the oldest go, so that with a new one there are so many.

    Wherever this ends in between, each file is there under one of its names.

    Raises:
        OSError: A file cannot be renamed or deleted.
    """
    number = 1
    while (part := part_of(path, number)).exists():
        if number >= file_count - 1:
            part.unlink()
        number += 1
    for newer in range(min(number, file_count - 1) - 1, 0, -1):
        part_of(path, newer).rename(part_of(path, newer + 1))
    path.rename(part_of(path, 1))
