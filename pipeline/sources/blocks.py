"""Chunks of any size -> blocks of whole lines, in linear time and constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from parsers.records import Block, Origin
from pipeline.sources.journal import ReadLimits


class LineCutter:
    """Takes chunks, gives back whole lines in pieces of about `block_bytes`.

    A line longer than `max_line_bytes` is cut there, and the rest of it is dropped and counted: a file without any
    line feed must fit into memory like any other.
    """

    def __init__(self, block_bytes: int, max_line_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._max_line_bytes = max_line_bytes
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._wanted_size = block_bytes
        self._is_dropping = False
        self.cut_line_count = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take a chunk; return whole lines when enough of them came together, else nothing."""
        if self._is_dropping:
            end = chunk.find(b"\n") + 1
            if not end:
                return b""
            self._is_dropping = False
            chunk = chunk[end:]
        self._pending.append(chunk)
        self._pending_size += len(chunk)
        if self._pending_size < self._wanted_size:
            return b""
        lines = self._take_lines()
        if not lines:
            # One line fills all of it: joining again at every chunk would be quadratic, so wait for twice as much.
            self._wanted_size = max(self._block_bytes, 2 * self._pending_size)
        return lines

    def finish(self) -> bytes:
        """Return what is left; its last line may lack the line feed."""
        return self._take_lines() + b"".join(self._pending)

    def _take_lines(self) -> bytes:
        """Cut at the last line feed and keep what comes after it, but never more of it than a line may have."""
        last = self._pending.pop() if self._pending else b""
        end = last.rfind(b"\n") + 1
        if not end and self._pending:  # it may be in an earlier chunk
            last = b"".join((*self._pending, last))
            self._pending = []
            end = last.rfind(b"\n") + 1
        # The view spares a copy of nearly everything, which is a third of the whole time for plain files.
        lines = self._cap(b"".join((*self._pending, memoryview(last)[:end]))) if end else b""
        rest = last[end:]
        if len(rest) > self._max_line_bytes:
            lines += rest[: self._max_line_bytes] + b"\n"
            self.cut_line_count += 1
            self._is_dropping = True
            rest = b""
        self._pending = [rest] if rest else []
        self._pending_size = len(rest)
        self._wanted_size = self._block_bytes
        return lines

    def _cap(self, lines: bytes) -> bytes:
        """Cut lines that are too long. Jumps from line end to line end a whole maximum apart, so it costs nothing."""
        limit = self._max_line_bytes
        if len(lines) <= limit:
            return lines
        pieces: list[bytes] = []
        start = position = 0
        while len(lines) - position > limit:
            end = lines.rfind(b"\n", position, position + limit + 1)
            if end >= 0:
                position = end + 1
                continue
            pieces += (lines[start : position + limit], b"\n")
            self.cut_line_count += 1
            start = position = lines.find(b"\n", position + limit) + 1
        pieces.append(lines[start:])
        return b"".join(pieces)


def blocks_of_lines(
    chunks: Iterable[bytes], origin: Origin, received_at: datetime | None, cutter: LineCutter
) -> Iterator[Block]:
    """Cut a log with one record a line into blocks, its lines numbered from 1."""
    line = 1
    for chunk in chunks:
        lines = cutter.feed(chunk)
        if lines:
            yield Block(lines, origin, line, received_at=received_at)
            line += lines.count(b"\n")
    lines = cutter.finish()
    if lines:
        yield Block(lines, origin, line, received_at=received_at)


def blocks_of_entries(
    entries: Iterable[tuple[int, bytes]], origin: Origin, received_at: datetime | None, limits: ReadLimits
) -> Iterator[Block]:
    """Put the entries of a document, each with the number of the physical line it begins on, into blocks."""
    numbers: list[int] = []
    texts: list[bytes] = []
    size = 0
    for number, text in entries:
        numbers.append(number)
        texts.append(text[: limits.max_line_bytes])
        size += len(texts[-1])
        if size >= limits.block_bytes:
            yield _numbered_block(numbers, texts, origin, received_at)
            numbers, texts, size = [], [], 0
    if numbers:
        yield _numbered_block(numbers, texts, origin, received_at)


def _numbered_block(numbers: list[int], texts: list[bytes], origin: Origin, received_at: datetime | None) -> Block:
    return Block(b"\n".join(texts) + b"\n", origin, numbers[0], tuple(numbers), received_at)
