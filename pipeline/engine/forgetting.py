"""What a state that lives for months lets go of: what was over long ago, in all its traces.

An incident can be forgotten only together with everything that it was made of, or it would be found anew.
"""

from __future__ import annotations

from datetime import datetime

from parsers.events import ObjectKey
from parsers.facts.kube_events import KubernetesEventFacts
from pipeline.engine.clusters import ClusterState
from pipeline.engine.spells import fold_tracks


def forget_before(state: ClusterState, before: datetime, now: datetime) -> None:
    """Forget keys, failures, creations and Kubernetes Events that were over before a moment; `now` is event time."""
    for key in list(state.keys):
        _forget_spells(state, key, before, now)
    state.seen.forget(before)
    for ref, history in list(state.creations.histories.items()):
        streaks = [streak for of_origin in history.streaks.values() for streak in of_origin]
        times = [*history.recovered_at, *history.unblocked_at]
        goes_on = any(one.lasts and one.ended_at is None for one in streaks)
        newest_at = max((*times, *(one.ended_at or one.last_at for one in streaks)), default=before)
        if not goes_on and newest_at < before:
            state.creations.drop(ref)
    for ref, seen in list(state.objects.versions.items()):
        if seen[-1][0] < before and isinstance(seen[-1][1], KubernetesEventFacts):
            state.objects.drop(ref)
    state.objects.forget_gone(before)
    _forget_origins(state, before)


def _forget_spells(state: ClusterState, key: ObjectKey, before: datetime, now: datetime) -> None:
    tracks = state.keys[key]
    spells = fold_tracks(tracks, now)
    over = {
        (streak.origin, streak.first_at)
        for spell in spells
        if spell.ended_at is not None and spell.ended_at < before
        for streak in spell.streaks
    }
    if over:
        state.changed_keys.add(key)
        for origin, track in tracks.items():
            track.streaks = [one for one in track.streaks if (origin, one.first_at) not in over]
    idle = [origin for origin, track in tracks.items() if not track.streaks and state.origins[origin].last_at < before]
    for origin in idle:
        state.changed_keys.add(key)
        del tracks[origin]
    if not tracks:
        state.drop_key(key)
    elif not any(track.streaks for track in tracks.values()):
        state.failed.pop(key, None)


def _forget_origins(state: ClusterState, before: datetime) -> None:
    in_use = {origin for tracks in state.keys.values() for origin in tracks}
    in_use |= {seen.origin for _, seen in state.seen.episodes()}
    in_use |= {origin for history in state.creations.histories.values() for origin in history.streaks}
    for origin, one in list(state.origins.items()):
        if one.last_at < before and origin not in in_use:
            del state.origins[origin]
