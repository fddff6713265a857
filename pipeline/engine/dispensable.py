"""Which keys are forgotten first where there is no room for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from parsers.events import ObjectKey
from parsers.records import Origin
from pipeline.engine.streaks import Track

SILENT_FOR = timedelta(hours=1)
"""A key that fails and was not met for so long may be forgotten where there is no room: its success cannot be seen."""

Tracks = Mapping[Origin, Track]


def dispensable_keys(
    keys: Mapping[ObjectKey, Tracks], failed: Collection[ObjectKey], in_trouble: Collection[ObjectKey]
) -> list[ObjectKey]:
    """Keys that may go, in the order in which they do.

    Healthy keys go first, then those whose trouble is over, then those that are silent for long, each the oldest
    first. Keys that are `in_trouble` or failing now stay, even where they are too many.
    """
    healthy = [key for key in keys if key not in failed]
    by_age = sorted((_is_failing(keys[key].values()), _last_failed_at(keys[key].values()), key) for key in failed)
    newest_at = max((at for _, at, _ in by_age), default=None)
    over = [
        key
        for is_failing, at, key in by_age
        if key not in in_trouble and not (is_failing and newest_at is not None and newest_at - at < SILENT_FOR)
    ]
    return [*healthy, *over]


def _is_failing(tracks: Iterable[Track]) -> bool:
    return any(track.open_streak is not None for track in tracks)


def _last_failed_at(tracks: Iterable[Track]) -> datetime:
    return max(streak.last_at for track in tracks for streak in track.streaks)
