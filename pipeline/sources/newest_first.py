"""Turns files around that begin with the newest record, as exports from log viewers do."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO

import msgspec

from parsers.records import Block
from parsers.timestamps import find_time, is_newest_first
from pipeline.sources.layers import Reading
from pipeline.sources.workspace import write_all

_SAMPLE_LINES = 300
_SAMPLE_BYTES = 256 * 1024


class _Kept(msgspec.Struct, frozen=True):
    """Where a block waits in the temporary file: its lines, then their numbers if they do not follow each other."""

    offset: int
    block: Block  # without its lines and their numbers
    data_bytes: int
    number_bytes: int


def in_time_order(blocks: Iterator[Block], source: str, reading: Reading) -> Iterator[Block]:
    """Give the blocks as they come, or, where the first one begins with the newest line, the last line first.

    Turning around needs room on the disk for the decompressed file, and memory for one block.
    """
    first = next(blocks, None)
    if first is None:
        return
    if not _begins_with_newest(first.data):
        yield from chain((first,), blocks)
        return
    reading.journal.note(source, "the newest lines come first; read from its end to its beginning")
    second = next(blocks, None)
    if second is None:
        yield _turned(first, first.data, first.line_numbers)
    else:
        yield from _turned_on_disk(chain((first, second), blocks), source, reading)


def _begins_with_newest(data: bytes) -> bool:
    lines = data[:_SAMPLE_BYTES].split(b"\n", _SAMPLE_LINES)[:_SAMPLE_LINES]
    times = (find_time(line) for line in lines)
    return is_newest_first([time for time in times if time is not None])


def _turned_on_disk(blocks: Iterator[Block], source: str, reading: Reading) -> Iterator[Block]:
    path = reading.workspace.new_path(source)
    try:
        with path.open("w+b") as file:
            kept = [_keep(file, block, source) for block in blocks]
            for entry in reversed(kept):
                file.seek(entry.offset)
                data = file.read(entry.data_bytes)
                numbers = file.read(entry.number_bytes)
                yield _turned(entry.block, data, array("Q", numbers) if numbers else None)
    finally:
        path.unlink(missing_ok=True)


def _keep(file: BinaryIO, block: Block, source: str) -> _Kept:
    offset = file.tell()
    numbers = array("Q", block.line_numbers or ()).tobytes()
    write_all(source, file, block.data)
    write_all(source, file, numbers)
    bare = msgspec.structs.replace(block, data=b"", line_numbers=None)
    return _Kept(offset, bare, len(block.data), len(numbers))


def _turned(block: Block, data: bytes, numbers: Sequence[int] | None) -> Block:
    """Return a block with its lines in the opposite order, each still with the number it has in the file."""
    lines = data.removesuffix(b"\n").split(b"\n")
    lines.reverse()
    if numbers is None:
        numbers = range(block.first_line, block.first_line + len(lines))
    turned = tuple(reversed(numbers))
    return msgspec.structs.replace(block, data=b"\n".join(lines) + b"\n", first_line=turned[0], line_numbers=turned)
