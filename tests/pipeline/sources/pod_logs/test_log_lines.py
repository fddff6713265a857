"""Where a log's lines begin and end, and lines that are none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from pipeline.cluster.calls import Call, CallError, Stream
from pipeline.sources.pod_logs.log_lines import MAX_LINE_BYTES, newest_line, split_pieces
from pipeline.sources.pod_logs.pieces import pieces_of
from pipeline.sources.pod_logs.positions import run_of
from pipeline.store.records import QuarantineReason
from tests.pipeline.sources.pod_logs.fake_cluster import CONTAINER

AT = b"2026-01-01T00:00:00.000000001Z "
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Tail:
    """A `Cluster` with one log, of which only the end is asked for."""

    name, namespace = "test", "default"

    def __init__(self, log: bytes, cuts: list[int] | None = None) -> None:
        self._lines = log.splitlines(keepends=True)
        self._cuts = cuts or []  # bytes that are missing at the end of each answer

    def get(self, call: Call, query: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        assert query is not None
        body = b"".join(self._lines[-int(query["tailLines"]) :])
        return body[: len(body) - (self._cuts.pop(0) if self._cuts else 0)]

    def open(self, call: Call, query: Mapping[str, str], *, idle_seconds: float) -> Stream:
        raise AssertionError("nothing is followed here")

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("log", "newest"),
    [
        (b"", None),
        (AT + b"a\n", AT + b"a"),
        (AT + b"a\n" + AT + b"b\n", AT + b"b"),
        (AT + b"a\n" + AT + b"unfinish", AT + b"a"),
        (AT + b"unfinish", None),
    ],
    ids=["empty", "one", "two", "the last one unfinished", "only one, unfinished"],
)
def test_newest_line(log: bytes, newest: bytes | None) -> None:
    """Without its line feed it is none."""
    assert (None if newest is None else run_of(newest)) == newest_line(Tail(log), CONTAINER)


@pytest.mark.parametrize("cuts", [[1, 2], [2, 1], [3, 40]])
def test_answers_that_are_cut_say_nothing(cuts: list[int]) -> None:
    """It is asked again."""
    with pytest.raises(CallError, match="ends within a line"):
        newest_line(Tail(AT + b"abcdef\n", cuts), CONTAINER)


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_are_whole_however_they_come(size: int) -> None:
    """The unfinished last one is left out."""
    lines = [line for some in split_pieces(_pieces(b"a\nbc\n\ndef\ngh", size)) for line in some]
    assert [b"a", b"bc", b"", b"def"] == lines


@pytest.fixture(scope="module")
def endless() -> bytes:
    return AT + b"password=s3cr3t " + b"x" * MAX_LINE_BYTES


def test_line_without_an_end_is_set_aside(endless: bytes) -> None:
    """Once, with its number and a sample; the lines around it are read."""
    data = AT + b"before\n" + endless + b"\n" + AT + b"behind\n"
    lines = [line for some in split_pieces(_pieces(data, 65_536)) for line in some]
    before, aside, behind = pieces_of("kubernetes", CONTAINER, list(enumerate(lines, 7)), NOW)
    assert [AT + b"before\n", AT + b"behind\n"] == [one.blocks[0].data for one in (before, behind)]
    (record,) = aside.quarantined
    assert (8, 8, QuarantineReason.TOO_LARGE, 9) == (record.first, record.last, record.reason, aside.next_line)
    assert "s3cr3t" not in record.sample


def test_line_without_an_end_is_found_again(endless: bytes) -> None:
    """However its pieces came, and as the newest one."""
    found = {
        run_of(line)
        for size in (65_536, 1_000_003)
        for some in split_pieces(_pieces(endless + b"yz\n", size))
        for line in some
    }
    assert found == {newest_line(Tail(endless + b"yz\n"), CONTAINER)}
