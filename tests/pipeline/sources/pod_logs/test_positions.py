"""Where reading stands in a log whose lines have no numbers."""

from __future__ import annotations

import msgspec
import pytest

from pipeline.errors import SourceError
from pipeline.sources.pod_logs.positions import History, Matcher, Position, Run, decode_position, run_of

A, B, C = (run_of(b"2026-01-01T00:00:00.000000001Z " + text) for text in (b"a", b"b", b"c"))


def _times(run: Run, count: int) -> Run:
    return Run(run.at, run.digest, count)


def test_position_survives_the_store() -> None:
    """All of it, and one from before a field was added is read, too."""
    position = Position(7, 9, 2, (A, B), is_over=True, before=C)
    assert position == decode_position("s", msgspec.json.encode(position))
    assert Position(7, 9, 2) == decode_position("s", b'{"line":7,"next_unused":9,"incarnation":2}')


def test_position_of_something_else_is_refused() -> None:
    """By name."""
    with pytest.raises(SourceError, match="stored position of s is none of a pod log"):
        decode_position("s", b"12")


def test_position_within_equal_lines_counts_them() -> None:
    """Of three equal lines two were read."""
    history = History(Position(1, 1, 0))
    for run in (A, B, B, B, C):
        history.add(run)
    assert (A, _times(B, 2)) == history.position(4).runs


def test_position_goes_not_behind_what_is_known() -> None:
    """Lines before the stored position are not asked for again, and would be without their neighbours."""
    history = History(Position(10, 10, 0, (A,)))
    assert Position(10, 10, 0, (A,)) == history.position(5)


def test_lines_behind_a_run_that_is_over_are_of_the_next() -> None:
    """They do not mix with those before, even where they are equal."""
    history = History(Position(1, 1, 0))
    history.add(A)
    history.add(B)
    history.mark(1, history.now().runs, is_over=True)
    assert (True, (A, B)) == (history.now().is_over, history.now().runs)
    history.add(B)

    now = history.now()
    assert (False, (B,), B) == (now.is_over, now.runs, now.before)
    assert Position(3, 5, 0, (A, B)) == history.position(3)


def test_position_at_an_old_mark_is_that_of_the_mark() -> None:
    """However many came since, until nobody asks for it any more."""
    history = History(Position(1, 1, 0))
    numbers = [history.mark(count, (), before=A) for count in range(1, 41)]
    assert 3 == history.position(numbers[2] + 1).incarnation
    history.forget_before(numbers[30] + 1)
    assert 31 == history.position(numbers[30] + 1).incarnation


@pytest.mark.parametrize(
    ("wanted", "answer", "place"),
    [
        ((A, B), (C, A, B, C), 2),
        ((_times(B, 2),), (A, B, B, B), 2),
        ((A, B), (C, B, A, B), 3),
        ((A, B), (C, B, C), None),
        ((A, B), (), None),
    ],
)
def test_place_is_found_behind_the_lines_read_last(
    wanted: tuple[Run, ...], answer: tuple[Run, ...], place: int | None
) -> None:
    """By all that is remembered, so that a repetition is not taken for it."""
    matcher = Matcher(wanted, is_whole=True)
    assert place == next((index for index, line in enumerate(answer) if matcher.feed(line)), None)


def test_answer_that_begins_within_equal_lines_proves_nothing() -> None:
    """How many came before is not known, unless the answer is whole."""
    assert not Matcher((_times(B, 2),), is_whole=False).feed(B)
    matcher = Matcher((_times(B, 2),), is_whole=False)
    assert not any(matcher.feed(B) for _ in range(3))
