"""Failures that accuse one culprit, anywhere in the input, as episodes: what may be suspected of any trouble.

Only failures that accuse somebody are here: a bare time-out, a conflict or an object that is wrong in itself explains
no trouble of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec

from parsers.events import Failure, ObjectKey
from pipeline.engine.causes import depth_of, is_established
from pipeline.engine.clusters import ClusterState
from pipeline.engine.culprits import NOBODY, Aliases, Culprit, culprit_of, identity_of, is_about_key
from pipeline.engine.tallies import Sighting, Tally

APART = timedelta(minutes=30)
"""Failures of one culprit that are further apart are told apart."""
MAX_EPISODES = 200
"""Kept for suspicion, the most frequent ones: there are as many as culprits."""
_CARRIERS_OF_CONTROLLER = frozenset({"reflector", "lease", "fatal"})
"""Other lines of a controller repeat what an attempt says."""


class Episode(msgspec.Struct, frozen=True):
    """Failures of one class and culprit, without a long pause between them."""

    failure: Failure  # the deepest, then the most frequent
    culprit: Culprit
    identity: str
    first: Sighting
    last: Sighting
    count: int
    keys: tuple[ObjectKey, ...]  # that failed by it; none where it has no key
    analysed: tuple[ObjectKey, ...] = ()  # Rollouts whose AnalysisRuns failed by it


class _Accusation(msgspec.Struct, frozen=True):
    tally: Tally
    key: ObjectKey | None
    culprit: Culprit
    identity: str
    analysed: tuple[ObjectKey, ...]


def find_episodes(state: ClusterState, aliases: Aliases) -> list[Episode]:
    """All episodes of a cluster, by time."""
    grouped: dict[tuple[str, str], list[_Accusation]] = {}
    for tally, key, analysed in _tallies_of(state):
        failure = tally.failure
        culprit = culprit_of(failure, key, aliases)
        if culprit == NOBODY or is_about_key(culprit, key) or not is_established(failure):
            continue
        if failure.failure_class == "conflict":
            continue
        identity = identity_of(failure, key, aliases)
        accusation = _Accusation(tally, key, culprit, identity, analysed)
        grouped.setdefault((failure.failure_class, identity), []).append(accusation)
    episodes = [episode for accusations in grouped.values() for episode in _split(accusations)]
    most = sorted(episodes, key=lambda one: (-one.count, one.first, one.identity))[:MAX_EPISODES]
    return sorted(most, key=lambda one: (one.first, one.identity, one.failure.failure_class))


def _tallies_of(state: ClusterState) -> Iterator[tuple[Tally, ObjectKey | None, tuple[ObjectKey, ...]]]:
    for seen in state.seen:
        if not state.origins[seen.origin].is_controller or seen.carrier in _CARRIERS_OF_CONTROLLER:
            yield seen.tally, None, tuple(seen.keys)
    for key in state.failed:
        for track in state.keys[key].values():
            for streak in track.streaks:
                yield from ((tally, key, ()) for tally in streak.tallies.values())


def _split(accusations: Iterable[_Accusation]) -> Iterator[Episode]:
    current: list[_Accusation] = []
    for one in sorted(accusations, key=lambda one: (one.tally.first, one.tally.last, str(one.key))):
        if current and one.tally.first.at - max(before.tally.last.at for before in current) > APART:
            yield _episode(current)
            current = []
        current.append(one)
    yield _episode(current)


def _episode(accusations: list[_Accusation]) -> Episode:
    best = min(
        accusations,
        key=lambda one: (depth_of(one.tally.failure.failure_class), -one.tally.count, one.tally.first),
    )
    return Episode(
        failure=best.tally.failure,
        culprit=best.culprit,
        identity=best.identity,
        first=min(one.tally.first for one in accusations),
        last=max(one.tally.last for one in accusations),
        count=sum(one.tally.count for one in accusations),
        keys=tuple(sorted({one.key for one in accusations if one.key is not None})),
        analysed=tuple(sorted({key for one in accusations for key in one.analysed})),
    )
