"""From the state of a cluster to its troubles, one for each cause: a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from parsers.events import ObjectKey
from parsers.expiry_notices import NOTICE_CARRIER
from pipeline.engine.blocks import FREE, Blocks, find_blocks
from pipeline.engine.causes import Basis, Cause, choose_cause, depth_of
from pipeline.engine.clusters import ClusterState, failures_of
from pipeline.engine.controller_trouble import ControllerTrouble, controller_troubles, join_troubles
from pipeline.engine.culprits import Aliases
from pipeline.engine.inventory import Inventory
from pipeline.engine.joins import Spot, Witness, deepen
from pipeline.engine.owners import Owners
from pipeline.engine.settings import EngineSettings
from pipeline.engine.spells import Spell, fold_tracks, is_presumed_over, onset_of, runaway_at
from pipeline.engine.streak import EndReason


class Member(msgspec.Struct, frozen=True):
    """A key that runs away, or did: one spell of it."""

    key: ObjectKey
    spell: Spell
    cause: Cause
    opened_at: datetime
    ended_at: datetime | None
    end: EndReason | None

    @property
    def first_at(self) -> datetime:
        """Its first failure."""
        return self.spell.first_at


Part = Member | ControllerTrouble
Mark = tuple[str, datetime]
"""By what a part of a trouble is known again when more was read: whose it is, and when it began."""


class Trouble(msgspec.Struct, frozen=True):
    """What one incident is made of."""

    identity: str
    cause: Cause
    members: tuple[Member, ...]  # by opened_at, then key; several spells of a key are possible
    controller: ControllerTrouble | None
    first: str  # the key that ran away first, or "controller"
    opened_at: datetime
    ended_at: datetime | None  # None: something of it goes on
    marks: frozenset[Mark]


def find_troubles(state: ClusterState, settings: EngineSettings, now: datetime) -> list[Trouble]:
    """All troubles of a cluster, oldest first."""
    inventory = state.inventory()
    aliases = Aliases.of(failures_of(state), inventory.services_by_name(), inventory.resources_of_kinds())
    known = _Known(state, settings, now, aliases, inventory, _witnesses_of(state))
    blocks = _blocks_of(state, inventory)
    members = [
        member for key in {**state.failed, **dict.fromkeys(blocks)} for member in _members_of(known, key, blocks)
    ]
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
    return [
        Witness(seen.tally, state.watched_since(seen.origin), is_notice=seen.carrier == NOTICE_CARRIER)
        for seen in state.seen
    ]


def _blocks_of(state: ClusterState, inventory: Inventory) -> dict[ObjectKey, Blocks]:
    if not state.creations.histories:
        return {}
    seen_until = {origin: one.last_at for origin, one in state.origins.items()}
    return find_blocks(state.creations, Owners(inventory, state.keys), seen_until)


def _members_of(known: _Known, key: ObjectKey, blocks: Mapping[ObjectKey, Blocks]) -> Iterable[Member]:
    tracks = known.state.keys.get(key, {})
    rule = known.settings.rule_for(key)
    for spell in fold_tracks(tracks, known.now, blocks.get(key, FREE)):
        last_origin = known.state.origins[spell.newest.origin]
        opened_at = runaway_at(spell, rule, known.now, shows_passes=last_origin.shows_passes)
        if opened_at is None:
            continue
        ended_at, end = spell.ended_at, spell.end
        is_silent = is_presumed_over(spell, known.now, known.settings.stale_seconds)
        if ended_at is None and not spell.is_blocked and not last_origin.shows_passes and is_silent:
            ended_at, end = spell.last_at, EndReason.PRESUMED
        cause = choose_cause(spell.tallies(), key, known.aliases)
        elsewhere = [witness for witness in known.witnesses if witness.tally.last.origin not in tracks]
        spot = Spot(key, onset_of(spell).at, spell.first_at, ended_at)
        cause = deepen(cause, elsewhere, spot, known.aliases, known.inventory)
        yield Member(key=key, spell=spell, cause=cause, opened_at=opened_at, ended_at=ended_at, end=end)


def _troubles_of(
    identity: str, members: Sequence[Member], controllers: Sequence[ControllerTrouble], settings: EngineSettings
) -> list[Trouble]:
    """Trouble of one identity that belongs together in time: apart by more than the grace, it is two incidents.

    The controller's own failures of the same cause belong to the keys of the same time; without such, they are an
    incident of their own.
    """
    grace = timedelta(seconds=settings.reopen_seconds)
    found: list[list[Part]] = []
    until: datetime | None = None
    parts: list[Part] = [*members, *controllers]
    for part in sorted(parts, key=_place):
        if found and (until is None or part.first_at <= until + grace):
            found[-1].append(part)
            until = None if until is None or part.ended_at is None else max(until, part.ended_at)
        else:
            found.append([part])
            until = part.ended_at
    return [_trouble(identity, parts) for parts in found]


def _place(part: Part) -> tuple[datetime, datetime, str]:
    return part.first_at, part.opened_at, _name_of(part)


def _name_of(part: Part) -> str:
    return str(part.key) if isinstance(part, Member) else "controller"


def _trouble(identity: str, parts: Sequence[Part]) -> Trouble:
    members = sorted((one for one in parts if isinstance(one, Member)), key=lambda one: (one.opened_at, one.key))
    controllers = [one for one in parts if isinstance(one, ControllerTrouble)]
    first = min(parts, key=lambda part: (part.opened_at, _name_of(part)))
    ends = [member.ended_at for member in _newest(members)] or [controllers[-1].ended_at]
    known = [end for end in ends if end is not None]
    return Trouble(
        identity=identity,
        cause=_best([*(member.cause for member in members), *(controller.cause for controller in controllers)]),
        members=tuple(members),
        controller=join_troubles(controllers) if controllers else None,
        first=_name_of(first),
        opened_at=first.opened_at,
        ended_at=max(known) if len(known) == len(ends) else None,
        marks=frozenset(mark for part in parts for mark in _marks_of(part)),
    )


def _marks_of(part: Part) -> Iterable[Mark]:
    if isinstance(part, Member):
        yield str(part.key), part.first_at
    else:
        yield from (("controller", tally.first.at) for tally in part.tallies)


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
