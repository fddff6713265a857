"""What of an answer is new, also where lines are stamped coarsely and come again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pipeline.sources.pod_logs.answers import AnswerReader
from pipeline.sources.pod_logs.positions import RING_RUNS, Run, run_of


def _lines(text: str) -> list[bytes]:
    """Each letter a line; upper-case letters are of the next second."""
    return [
        b"2026-01-01T00:00:%02d.000000000Z %s" % (1 if letter.isupper() else 0, letter.lower().encode())
        for letter in text
    ]


def _runs(text: str) -> tuple[Run, ...]:
    """As a position holds them."""
    runs: list[Run] = []
    for line in _lines(text):
        run = run_of(line)
        if runs and runs[-1].is_like(run):
            runs[-1] = Run(run.at, run.digest, runs[-1].count + 1)
        else:
            runs.append(run)
    return tuple(runs[-RING_RUNS:])


@pytest.mark.parametrize(
    ("read", "log", "fresh"),
    [
        ("abc", "abcd", "d"),
        ("abab", "ababcd", "cd"),
        ("abcabd", "abcabd", ""),  # the newest line stands there twice, and was read last
        ("abcab", "abcab", ""),
        ("abca", "abcabcab", "bcab"),  # a line equal to the newest stands before the one read last
        ("aab", "aabaab", "aab"),
        ("abc", "abcABCA", "ABCA"),
        ("abcAB", "abcABABC", "ABC"),
    ],
)
def test_lines_that_come_again(read: str, log: str, fresh: str) -> None:
    """Within one second; what was read is found by the lines before it."""
    reader = AnswerReader(_runs(read), run_of(_lines(log)[-1]), is_whole=True)
    found = [line for _, line in reader.feed(_lines(log))]
    reader.end()
    assert _lines(fresh) == found
    assert not reader.is_absent


@pytest.mark.parametrize(
    ("read", "log", "at_once"),
    [
        ("abc", "XYZ", True),
        ("abc", "xyz", False),  # of the same second: what comes next may still be it
        ("abc", "xyzX", True),
        ("abc", "bXYZ", True),
    ],
)
def test_lines_that_are_not_there(read: str, log: str, at_once: bool) -> None:
    """Known as soon as the newest line has come, or its second is over, or at the end of the answer."""
    reader = AnswerReader(_runs(read), run_of(_lines(log)[-1]), is_whole=True)
    assert [] == reader.feed(_lines(log))
    assert at_once is reader.is_absent
    reader.end()
    assert reader.is_absent


def test_end_before_the_newest_line_proves_nothing() -> None:
    """The connection was cut."""
    reader = AnswerReader(_runs("abc"), run_of(_lines("Z")[-1]), is_whole=True)
    reader.feed(_lines("xy"))
    reader.end()
    assert (False, False) == (reader.is_absent, reader.is_complete)


def test_equal_lines_in_a_row_are_counted() -> None:
    """However long the row is."""
    for count, longer in pairwise(range(1, 6)):
        reader = AnswerReader(_runs("x" * count), run_of(_lines("x")[0]), is_whole=True)
        assert longer - count == len(reader.feed(_lines("x" * longer)))
