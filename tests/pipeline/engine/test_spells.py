"""The streaks of a key in several origins, put together."""

from __future__ import annotations

import pytest

from pipeline.engine.spells import fold_tracks
from pipeline.engine.streak import EndReason, Streak
from pipeline.engine.streaks import Track
from tests.pipeline.engine.builders import LOG, OTHER_LOG, at


def _streak(first: float, last: float, ended: float | None, *, is_blocked: bool = False, source: str = "") -> Streak:
    origin = OTHER_LOG if source else LOG
    end = None if ended is None else EndReason.UNBLOCKED if is_blocked else EndReason.PASSED
    ended_at = None if ended is None else at(ended)
    return Streak(
        origin=origin, first_at=at(first), last_at=at(last), ended_at=ended_at, end=end, is_blocked=is_blocked
    )


def _spells(
    here: list[Streak], there: list[Streak], passes: tuple[float, ...] = ()
) -> list[tuple[float, float | None]]:
    """First failure and end of each spell, in seconds."""
    tracks = {LOG: Track(streaks=here), OTHER_LOG: Track(streaks=there, passes=[at(one) for one in passes])}
    return [
        ((one.first_at - at(0)).total_seconds(), (one.ended_at - at(0)).total_seconds() if one.ended_at else None)
        for one in fold_tracks(tracks, at(1000))
    ]


@pytest.mark.parametrize(
    ("here", "there", "passes", "expected"),
    [
        ([_streak(0, 10, 100)], [_streak(50, 60, None, source="other")], (20,), [(0, 20), (50, None)]),
        ([_streak(0, 10, 100)], [_streak(50, 60, None, source="other")], (), [(0, None)]),
        ([_streak(0, 90, None, is_blocked=True)], [_streak(50, 60, 61, source="other")], (70,), [(0, None)]),
        ([_streak(0, 40, 90, is_blocked=True)], [_streak(50, 60, 61, source="other")], (), [(0, 90)]),
    ],
    ids=[
        "a pass in the other origin before that one's trouble",
        "no pass between them",
        "a block goes on over a failure that passed",
        "a block ends after a failure that passed",
    ],
)
def test_streaks_of_two_origins(
    here: list[Streak], there: list[Streak], passes: tuple[float, ...], expected: list[tuple[float, float | None]]
) -> None:
    """What ends a spell, and what goes on in it."""
    assert expected == _spells(here, there, passes)
