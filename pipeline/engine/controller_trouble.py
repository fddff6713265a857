"""Failures of the controller itself: informers that cannot list, a lease that cannot be kept, a start that fails.

They have no key. Whether an origin is an Argo Rollouts controller at all may show only later in its log, so this is
worked out from everything that is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from pipeline.engine.causes import Cause, choose_cause
from pipeline.engine.clusters import ClusterState
from pipeline.engine.culprits import Aliases, culprit_of, identity_of
from pipeline.engine.origins import OriginState
from pipeline.engine.seen import MIN_REPEATS, SeenFailure
from pipeline.engine.settings import EngineSettings
from pipeline.engine.tallies import Sighting, Tally

_CARRIERS = frozenset({"reflector", "lease", "fatal"})
_SYMPTOMS = frozenset({"unknown", "leader_election"})


class ControllerTrouble(msgspec.Struct, frozen=True):
    """A failure of the controller with one cause, over restarts of the process."""

    cause: Cause
    tallies: tuple[Tally, ...]
    opened_at: datetime
    first_at: datetime
    last_at: datetime
    ended_at: datetime | None
    ends_process: bool


def controller_troubles(
    state: ClusterState, settings: EngineSettings, now: datetime, aliases: Aliases
) -> dict[str, list[ControllerTrouble]]:
    """Troubles by the identity of their cause, each kind by time."""
    found: dict[str, list[ControllerTrouble]] = {}
    for group in _groups_of(sorted(_of_controllers(state), key=_place), settings, aliases):
        trouble = _trouble_of(group, state, settings, now, aliases)
        if trouble is not None:
            found.setdefault(trouble.cause.identity, []).append(trouble)
    return found


def join_troubles(parts: Sequence[ControllerTrouble]) -> ControllerTrouble:
    """Troubles of one cause that belong to one incident, by time, as one."""
    return ControllerTrouble(
        cause=parts[0].cause,
        tallies=tuple(tally for part in parts for tally in part.tallies),
        opened_at=min(part.opened_at for part in parts),
        first_at=min(part.first_at for part in parts),
        last_at=max(part.last_at for part in parts),
        ended_at=parts[-1].ended_at,
        ends_process=any(part.ends_process for part in parts),
    )


def _place(seen: SeenFailure) -> tuple[Sighting, str, str]:
    return seen.tally.first, seen.carrier, seen.tally.failure.text


def _of_controllers(state: ClusterState) -> Iterable[SeenFailure]:
    for seen in state.seen:
        origin = state.origins[seen.origin]
        if not origin.is_controller:
            continue
        # Releases before v0.10 print failed attempts without a key and nothing else.
        if seen.carrier in _CARRIERS or (seen.carrier == "other" and not origin.shows_attempts):
            yield seen


def _groups_of(found: Sequence[SeenFailure], settings: EngineSettings, aliases: Aliases) -> list[list[SeenFailure]]:
    """Failures that have one cause and are not far apart in time. `found` is in the order of time."""
    grace = timedelta(seconds=settings.reopen_seconds)
    serious = [seen for seen in found if seen.tally.failure.failure_class not in _SYMPTOMS]
    groups: list[list[SeenFailure]] = []
    newest: dict[str, list[SeenFailure]] = {}
    for seen in found:
        identity = _identity_of(_behind(seen, serious, grace), aliases)
        group = newest.get(identity)
        if group is None or seen.tally.first.at > max(one.tally.last.at for one in group) + grace:
            group = newest[identity] = []
            groups.append(group)
        group.append(seen)
    return groups


def _identity_of(seen: SeenFailure, aliases: Aliases) -> str:
    return identity_of(seen.tally.failure, None, aliases)


def _behind(seen: SeenFailure, serious: Sequence[SeenFailure], grace: timedelta) -> SeenFailure:
    """A fatal line without a cause, or a lease that could not be kept, belongs to another failure of its process."""
    if seen.tally.failure.failure_class not in _SYMPTOMS:
        return seen
    near = [
        other
        for other in serious
        if other.origin == seen.origin
        and other.tally.first.at - grace <= seen.tally.last.at
        and seen.tally.first.at <= other.tally.last.at + grace
    ]
    return max(near, key=lambda other: other.tally.count, default=seen)


def _trouble_of(
    group: list[SeenFailure], state: ClusterState, settings: EngineSettings, now: datetime, aliases: Aliases
) -> ControllerTrouble | None:
    tallies = [seen.tally for seen in group]
    first_at = min(tally.first.at for tally in tallies)
    last_at = max(tally.last.at for tally in tallies)
    ends = [seen.tally.first.at for seen in group if seen.ends_process]
    ends += [seen.lost_at for seen in group if seen.lost_at is not None]
    opened = [*ends, *_lasting_from(group, first_at + timedelta(seconds=settings.controller_seconds))]
    if not opened:
        return None
    return ControllerTrouble(
        cause=_cause_of(group, tallies, aliases),
        tallies=tuple(tallies),
        opened_at=min(opened),
        first_at=first_at,
        last_at=last_at,
        ended_at=_end_of(group, state, settings, now, last_at),
        ends_process=bool(ends),
    )


def _lasting_from(group: list[SeenFailure], lasting_at: datetime) -> list[datetime]:
    """The record at which it had lasted long enough and repeated often enough, if there is one."""
    repeats = sorted(at for seen in group for at in seen.first_times)
    if len(repeats) < MIN_REPEATS:
        return []
    enough_at = max(lasting_at, repeats[MIN_REPEATS - 1])
    times = {at for seen in group for at in (*seen.spaced_times, *seen.first_times)}
    return sorted(at for at in times if at >= enough_at)[:1]


def _cause_of(group: list[SeenFailure], tallies: list[Tally], aliases: Aliases) -> Cause:
    """The cause; a lease lost to time-outs is no proof that the API server was slow: the network may have been."""
    cause = choose_cause(tallies, None, aliases)
    failure = cause.failure
    if failure is None or failure.failure_class != "apiserver.overloaded" or not any(seen.lost_at for seen in group):
        return cause
    also = (failure.failure_class, *failure.also)
    lost = msgspec.structs.replace(failure, failure_class="leader_election", also=also)
    return msgspec.structs.replace(cause, failure=lost, culprit=culprit_of(lost, None, aliases))


def _end_of(
    group: list[SeenFailure], state: ClusterState, settings: EngineSettings, now: datetime, last_at: datetime
) -> datetime | None:
    """When the controller worked again: it leads or syncs after a failed start or lease; a reflector falls silent."""
    if all(seen.carrier == "reflector" for seen in group):
        gap = max(seen.longest_gap_seconds for seen in group)
        is_over = (now - last_at).total_seconds() > max(settings.stale_seconds, 3 * gap)
        return last_at if is_over else None
    signs = [seen.worked_at for seen in group if seen.worked_at is not None]
    signs += [at for origin in state.origins.values() for at in _signs_of_life(origin)]
    return min((at for at in signs if at > last_at), default=None)


def _signs_of_life(origin: OriginState) -> Iterable[datetime]:
    if not origin.is_controller:
        return
    yield from origin.leads
    yield from (at for at in (origin.first_pass_at, origin.last_pass_at) if at is not None)
