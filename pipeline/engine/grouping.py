"""From the state of a cluster to its troubles, one for each cause: a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from parsers.events import ObjectKey
from pipeline.engine.causes import Basis, Cause, choose_cause, depth_of
from pipeline.engine.clusters import ClusterState, failures_of
from pipeline.engine.controller_trouble import ControllerTrouble, controller_troubles
from pipeline.engine.culprits import Aliases
from pipeline.engine.inventory import Inventory
from pipeline.engine.joins import Spot, Witness, deepen
from pipeline.engine.settings import EngineSettings
from pipeline.engine.spells import Spell, fold_tracks, is_presumed_over, onset_of, runaway_at
from pipeline.engine.streaks import EndReason


class Member(msgspec.Struct, frozen=True):
    """A key that runs away, or did: one spell of it."""

    key: ObjectKey
    spell: Spell
    cause: Cause
    opened_at: datetime
    ended_at: datetime | None
    end: EndReason | None


class Trouble(msgspec.Struct, frozen=True):
    """What one incident is made of."""

    identity: str
    cause: Cause
    members: tuple[Member, ...]  # by opened_at, then key; several spells of a key are possible
    controller: ControllerTrouble | None
    opened_at: datetime
    ended_at: datetime | None  # None: something of it goes on


def find_troubles(state: ClusterState, settings: EngineSettings, now: datetime) -> list[Trouble]:
    """All troubles of a cluster, oldest first."""
    inventory = state.inventory()
    aliases = Aliases.of(failures_of(state), inventory.services_by_name())
    known = _Known(state, settings, now, aliases, inventory, _witnesses_of(state))
    members = [member for key in state.failed for member in _members_of(known, key)]
    controllers = controller_troubles(state, settings, now, aliases)
    troubles: list[Trouble] = []
    by_identity: dict[str, list[Member]] = {}
    for member in members:
        by_identity.setdefault(member.cause.identity, []).append(member)
    for identity in sorted({*by_identity, *controllers}):
        troubles += _troubles_of(identity, by_identity.get(identity, []), controllers.get(identity, ()), settings)
    return sorted(troubles, key=lambda trouble: (trouble.opened_at, trouble.identity))


class _Known(msgspec.Struct, frozen=True):
    """What the members of all keys are worked out from."""

    state: ClusterState
    settings: EngineSettings
    now: datetime
    aliases: Aliases
    inventory: Inventory
    witnesses: Sequence[Witness]


def _witnesses_of(state: ClusterState) -> list[Witness]:
    return [Witness(seen.tally, state.origins[seen.origin].first_at) for seen in state.seen]


def _members_of(known: _Known, key: ObjectKey) -> Iterable[Member]:
    tracks = known.state.keys[key]
    rule = known.settings.rule_for(key)
    for spell in fold_tracks(tracks):
        last_origin = known.state.origins[spell.newest.origin]
        opened_at = runaway_at(spell, rule, known.now, shows_passes=last_origin.shows_passes)
        if opened_at is None:
            continue
        ended_at, end = spell.ended_at, spell.end
        is_silent = is_presumed_over(spell, known.now, known.settings.stale_seconds)
        if ended_at is None and not last_origin.shows_passes and is_silent:
            ended_at, end = spell.last_at, EndReason.PRESUMED
        cause = choose_cause(spell.tallies(), key, known.aliases)
        elsewhere = [witness for witness in known.witnesses if witness.tally.last.origin not in tracks]
        spot = Spot(key, onset_of(spell).at, ended_at)
        cause = deepen(cause, elsewhere, spot, known.aliases, known.inventory)
        yield Member(key=key, spell=spell, cause=cause, opened_at=opened_at, ended_at=ended_at, end=end)


def _troubles_of(
    identity: str, members: list[Member], controllers: Sequence[ControllerTrouble], settings: EngineSettings
) -> list[Trouble]:
    """Members of one identity that belong together in time: apart by more than the grace, they are two incidents.

    The controller's own failures of the same cause belong to the members of the same time; without such, they are an
    incident of their own.
    """
    grace = timedelta(seconds=settings.reopen_seconds)
    clusters: list[list[Member]] = []
    until: datetime | None = None
    for member in sorted(members, key=lambda one: (one.spell.first_at, one.key)):
        if clusters and (until is None or member.spell.first_at <= until + grace):
            clusters[-1].append(member)
            until = None if until is None or member.ended_at is None else max(until, member.ended_at)
        else:
            clusters.append([member])
            until = member.ended_at
    found: list[Trouble] = []
    free = list(controllers)
    for cluster in clusters:
        own = next((controller for controller in free if _overlaps(cluster, controller, grace)), None)
        free = [controller for controller in free if not _overlaps(cluster, controller, grace)]
        found.append(_trouble(identity, cluster, own))
    return found + [_trouble(identity, [], controller) for controller in free]


def _overlaps(cluster: list[Member], controller: ControllerTrouble, grace: timedelta) -> bool:
    """Whether they share some time, or nearly so."""
    ends = [member.ended_at for member in cluster]
    is_before = all(end is not None and end + grace < controller.first_at for end in ends)
    first_at = min(member.spell.first_at for member in cluster)
    return not is_before and (controller.ended_at is None or controller.ended_at + grace >= first_at)


def _trouble(identity: str, members: list[Member], controller: ControllerTrouble | None) -> Trouble:
    ordered = sorted(members, key=lambda member: (member.opened_at, member.key))
    causes = [member.cause for member in ordered] + ([controller.cause] if controller is not None else [])
    opened = [member.opened_at for member in ordered] or ([controller.opened_at] if controller is not None else [])
    ends = [member.ended_at for member in _newest(ordered)]
    if controller is not None and not ordered:
        ends = [controller.ended_at]
    known = [end for end in ends if end is not None]
    return Trouble(
        identity=identity,
        cause=_best(causes),
        members=tuple(ordered),
        controller=controller,
        opened_at=min(opened),
        ended_at=max(known) if len(known) == len(ends) else None,
    )


def _newest(members: list[Member]) -> list[Member]:
    """The newest spell of each key: how the key stands."""
    newest: dict[ObjectKey, Member] = {}
    for member in sorted(members, key=lambda one: one.spell.first_at):
        newest[member.key] = member
    return list(newest.values())


def _best(causes: list[Cause]) -> Cause:
    """The cause to report for all: the deepest, then the one that explains most."""

    def rank(cause: Cause) -> tuple[bool, int, bool, int]:
        depth = depth_of(cause.failure.failure_class) if cause.failure is not None else 9
        return (not cause.is_established, depth, cause.basis is Basis.NONE, -cause.explained_count)

    return min(causes, key=rank)
