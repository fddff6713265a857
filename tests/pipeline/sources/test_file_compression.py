"""Compressed files are read by their first bytes, to their end or to where they are damaged."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.compression import decompress, find_codec
from pipeline.sources.journal import Journal, ReadLimits
from tests.pipeline.sources.file_samples import COMPRESSORS, Reader

TEXT = b"".join(b"line %d %d\n" % (number, random.Random(number).randrange(10**9)) for number in range(30_000))
SMALL = b"one\ntwo\nthree\n" * 20
BOMB = ReadLimits(ratio_free_bytes=1024 * 1024, max_ratio=50)

each_format = pytest.mark.parametrize("name", COMPRESSORS)


@each_format
def test_compressed_file_is_read_whatever_its_name(name: str, tmp_path: Path, read: Reader) -> None:
    """The format is told by the bytes."""
    path = tmp_path / "controller.log"
    path.write_bytes(COMPRESSORS[name](TEXT))
    outcome = read(path)

    assert ({str(path): TEXT}, []) == (outcome.texts, outcome.problems)


@each_format
@given(size=st.integers(1, 200), count=st.integers(1, 3), padding=st.integers(0, 9))
def test_members_are_read_for_any_size_of_chunk(name: str, size: int, count: int, padding: int) -> None:
    """Files joined with cat, padded with zeros or not, give the text of all of them."""
    raw = (COMPRESSORS[name](SMALL) + bytes(padding)) * count
    codec = find_codec(raw)
    assert codec is not None
    journal = Journal()
    chunks = [raw[start : start + size] for start in range(0, len(raw), size)]

    assert SMALL * count == b"".join(decompress(chunks, codec, "c.log", ReadLimits(), journal))
    assert not journal.problems


@each_format
def test_truncated_file_gives_what_there_is_and_a_problem(name: str, tmp_path: Path, read: Reader) -> None:
    """The beginning of an incomplete file is read, and the message says how much that was."""
    path = tmp_path / "c.log"
    raw = COMPRESSORS[name](TEXT) if name != "lz4" else COMPRESSORS[name](TEXT) + COMPRESSORS[name](TEXT)
    path.write_bytes(raw[: int(len(raw) * 0.9)])
    outcome = read(path)
    (problem,) = outcome.problems
    delivered = b"".join(outcome.texts.values())

    assert (TEXT * 2).startswith(delivered)
    assert f"it ends before the end of the {name} stream; {len(delivered)} bytes were read" in str(problem)


@each_format
def test_damaged_file_is_a_problem(name: str, tmp_path: Path, read: Reader) -> None:
    """A stream that is overwritten in the middle is said to be damaged, and nothing is raised."""
    path = tmp_path / "c.log"
    raw = bytearray(COMPRESSORS[name](TEXT))
    raw[len(raw) // 2 : len(raw) // 2 + 400] = b"\xff" * 400
    path.write_bytes(raw)
    (problem,) = read(path).problems

    assert f"its {name} stream is damaged" in str(problem)


@each_format
def test_bomb_is_stopped(name: str, tmp_path: Path, read: Reader) -> None:
    """Output far beyond its input ends with a problem, not with a full memory."""
    path = tmp_path / "c.log"
    path.write_bytes(COMPRESSORS[name]((b"x" * 999 + b"\n") * 20_000))
    outcome = read(path, limits=BOMB)

    assert "as in a bomb" in str(outcome.problems[0])
    assert 5_000_000 > sum(map(len, outcome.texts.values()))


def test_growth_beyond_the_absolute_limit_is_stopped(tmp_path: Path, read: Reader) -> None:
    """An honest ratio does not help a file that grows without end."""
    path = tmp_path / "c.log"
    path.write_bytes(gzip.compress(TEXT))

    assert "it grows beyond 100000 bytes" in str(read(path, limits=ReadLimits(max_total_bytes=100_000)).problems[0])


def test_garbage_behind_the_end_is_a_problem(tmp_path: Path, read: Reader) -> None:
    """What follows the compressed stream may be the rest of a log with a damaged head."""
    path = tmp_path / "c.log"
    path.write_bytes(gzip.compress(SMALL) + b"something else")
    outcome = read(path)

    assert SMALL == outcome.texts[str(path)]
    assert "what follows the gzip stream is something else" in str(outcome.problems[0])


def test_compression_in_compression_is_read_to_a_depth(tmp_path: Path, read: Reader) -> None:
    """Twice compressed is an accident, four times is an attack."""
    path = tmp_path / "c.log"
    raw = gzip.compress(COMPRESSORS["zstd"](SMALL))
    path.write_bytes(raw)
    assert SMALL == read(path).texts[str(path)]

    path.write_bytes(gzip.compress(gzip.compress(raw)))
    assert "compressed more than 3 times over" in str(read(path).problems[0])


def test_standard_input_may_be_compressed(read: Reader) -> None:
    """`whystuck replay - < controller.log.gz` needs no zcat."""
    assert {"-": SMALL} == read("-", stdin=gzip.compress(SMALL)).texts
