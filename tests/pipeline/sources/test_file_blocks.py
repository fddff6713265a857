"""Chunks become blocks of whole lines, however they are cut."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.records import Origin
from pipeline.sources.blocks import LineCutter, blocks_of_entries, blocks_of_lines
from pipeline.sources.journal import ReadLimits

ORIGIN = Origin(source="controller.log")

LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=30)


def _feed(chunks: list[bytes], block_bytes: int = 8, max_line_bytes: int = 100) -> tuple[list[bytes], LineCutter]:
    cutter = LineCutter(block_bytes, max_line_bytes)
    pieces = [cutter.feed(chunk) for chunk in chunks]
    pieces.append(cutter.finish())
    return [piece for piece in pieces if piece], cutter


@given(lines=LINES, size=st.integers(1, 40), block_bytes=st.integers(1, 50))
def test_lines_are_the_same_for_any_size_of_chunk(lines: list[bytes], size: int, block_bytes: int) -> None:
    """Where chunks and blocks end has no influence on the lines."""
    text = b"\n".join(lines)
    pieces, _ = _feed([text[start : start + size] for start in range(0, len(text), size)], block_bytes)

    assert text == b"".join(pieces)
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])


@given(lines=LINES, size=st.integers(1, 40), limit=st.integers(1, 12))
def test_long_lines_are_cut_the_same_for_any_size_of_chunk(lines: list[bytes], size: int, limit: int) -> None:
    """A line that is too long keeps its beginning, and the others keep their numbers."""
    text = b"".join(line + b"\n" for line in lines)
    pieces, cutter = _feed([text[start : start + size] for start in range(0, len(text), size)], 4, limit)

    assert [line[:limit] for line in lines] == b"".join(pieces).split(b"\n")[:-1]
    assert sum(len(line) > limit for line in lines) == cutter.cut_line_count


def test_file_without_line_feed_costs_linear_time() -> None:
    """A hundred megabytes of one line are read in small chunks without joining them again and again."""
    cutter = LineCutter(64 * 1024, 8 * 1024 * 1024)
    chunk = b"x" * 16 * 1024
    started = time.thread_time()
    for _ in range(100 * 64):
        cutter.feed(chunk)

    assert time.thread_time() - started < 5
    assert cutter.cut_line_count == 1


def test_blocks_know_the_number_of_their_first_line() -> None:
    """Line numbers run on from block to block."""
    text = b"".join(b"line %d\n" % number for number in range(1, 101))
    chunks = [text[start : start + 7] for start in range(0, len(text), 7)]
    blocks = list(blocks_of_lines(chunks, ORIGIN, None, LineCutter(64, 1000)))

    assert len(blocks) > 5
    assert all(block.data.startswith(b"line %d\n" % block.first_line) for block in blocks)


def test_entries_keep_their_physical_line_numbers() -> None:
    """Entries of a document say where in the file they begin."""
    entries = [(1, b"a"), (5, b"bb"), (9, b"ccc")]
    blocks = list(blocks_of_entries(entries, ORIGIN, None, ReadLimits(block_bytes=3)))

    assert [(b"a\nbb\n", (1, 5)), (b"ccc\n", (9,))] == [(block.data, block.line_numbers) for block in blocks]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([b"a"], [b"a"], id="one unterminated line"),
        pytest.param([b"\n"], [b"\n"], id="one empty line"),
        pytest.param([b"0123456789\n", b"a"], [b"0123456789\n", b"a"], id="last line unterminated"),
        pytest.param([b"01\n34", b"5678"], [b"01\n", b"345678"], id="line feed in an earlier chunk"),
    ],
)
def test_unterminated_last_line_is_delivered(chunks: list[bytes], expected: list[bytes]) -> None:
    """What stands after the last line feed is a line too."""
    assert expected == _feed(chunks)[0]
