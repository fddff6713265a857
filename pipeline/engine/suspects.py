"""Who may be suspected of a trouble, in which order, and why nobody of them is named. Pure.

A cause that is not established has two kinds of suspects: the objects' own errors, and whatever else failed at the time
and accuses somebody. A cause that is established has some only where a question is left: errors of the same objects
that accuse somebody else, and deeper failures nearby where its own error does not say why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from parsers.events import Failure
from pipeline.engine.causes import ANSWERED_FOR, depth_of, is_established, is_outage
from pipeline.engine.counter_evidence import (
    Against,
    Case,
    Point,
    Watch,
    is_elsewhere,
    is_excluded,
    point_for_own,
    points_against,
    points_against_own,
    points_for,
)
from pipeline.engine.culprits import NOBODY, Culprit, culprit_of, is_about_key
from pipeline.engine.episodes import Episode
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import CulpritFacts, Suspect, WeighedPoint
from pipeline.engine.joins import SHALLOW_CLASSES, services_behind
from pipeline.engine.own_errors import OwnError, Relation, Relations, own_errors
from pipeline.engine.phrases import moment_text
from pipeline.engine.spells import onset_of
from pipeline.engine.surroundings import Surroundings
from pipeline.engine.tallies import Sighting

MAX_SUSPECTS = 8
MAX_BESIDE_CAUSE = 3
"""Of an established cause: they only say what it is not."""
BEFORE_ONSET = timedelta(hours=1)
AFTER_END = timedelta(minutes=10)
"""What was over long before the trouble, or began long after it, is suspected by nobody."""


class _Candidate(msgspec.Struct, frozen=True):
    failure: Failure
    culprit: Culprit | None
    first: Sighting
    last: Sighting
    count: int
    in_favour: tuple[Point, ...]
    against: tuple[Point, ...]
    is_own: bool

    def rank(self, onset_at: datetime) -> tuple[object, ...]:
        """The objects' own errors, then what only lacks a tie, then what is about other things, then what is excluded.

        Within each: the nearest to the onset, the deepest, the most frequent.
        """
        weight = 0 if self.is_own else 1 + is_elsewhere(self.against) + 2 * is_excluded(self.against)
        if self.is_own:
            return (weight, -self.count, self.first, self.failure.text)
        distance = abs((self.first.at - onset_at).total_seconds())
        return (weight, distance, depth_of(self.failure.failure_class), -self.count, self.first, self.failure.text)


def case_of(trouble: Trouble, around: Surroundings) -> Case:
    """What a suspect is held against."""
    spells = [member.spell for member in trouble.members]
    controller = trouble.controller
    began = [onset_of(spell).at for spell in spells] + ([controller.first_at] if controller else [])
    last = [spell.last_at for spell in spells] + ([controller.last_at] if controller else [])
    failure = trouble.cause.failure
    services = services_behind(failure, around.aliases, around.inventory) if failure is not None else frozenset()
    return Case(
        failure=failure,
        keys=tuple(sorted({member.key for member in trouble.members})),
        onset_at=min(began),
        last_at=max(last),
        ended_at=trouble.ended_at,
        aliases=around.aliases,
        services=services,
    )


def suspects_of(trouble: Trouble, around: Surroundings) -> tuple[Suspect, ...]:
    """The suspects of a trouble, the most suspicious first."""
    cause = trouble.cause
    wants_deeper = not cause.is_established or cause.failure_class in SHALLOW_CLASSES
    errors = own_errors(trouble)
    if not wants_deeper and len(errors) < 2:
        return ()
    case = case_of(trouble, around)
    elsewhere = _elsewhere(trouble, case, around, errors) if wants_deeper else ()
    candidates = [*_own(trouble, case, errors), *elsewhere]
    limit = MAX_BESIDE_CAUSE if cause.is_established else MAX_SUSPECTS
    ranked = sorted(candidates, key=lambda one: one.rank(case.onset_at))[:limit]
    return tuple(_facts(one) for one in ranked)


def _own(trouble: Trouble, case: Case, errors: Sequence[OwnError]) -> Iterator[_Candidate]:
    """Each kind of the objects' own errors; beside an established cause only those that accuse somebody else."""
    total = sum(error.count for error in errors)
    relations = Relations(trouble, case.aliases)
    for error in errors:
        if trouble.cause.is_established and relations.of(error) is not Relation.OTHER_CULPRIT:
            continue
        yield _Candidate(
            failure=error.failure,
            culprit=_accused(error, case),
            first=error.first,
            last=error.last,
            count=error.count,
            in_favour=(point_for_own(error.count, total),),
            against=_ended_outage(trouble, case, error) or points_against_own(error.failure, error.count, total),
            is_own=True,
        )


def _ended_outage(trouble: Trouble, case: Case, error: OwnError) -> tuple[Point, ...]:
    """That an API server was away and has answered since, where that is why it is not the cause."""
    if not trouble.cause.is_established or not is_outage(error.failure):
        return ()
    if case.last_at - error.last.at < ANSWERED_FOR:
        return ()
    text = f"it was seen last at {moment_text(error.last.at)}; the API server has answered since"
    return (Point(Against.RECOVERED_WHILE_STUCK, text),)


def _accused(error: OwnError, case: Case) -> Culprit | None:
    """Whom an own error accuses, None where it is nobody, or each of the objects itself."""
    key = error.keys[0] if len(error.keys) == 1 else None
    culprit = culprit_of(error.failure, key, case.aliases)
    accuses = is_established(error.failure) and culprit != NOBODY and not error.follows_from_all
    return culprit if accuses and not is_about_key(culprit, key) else None


def _elsewhere(trouble: Trouble, case: Case, around: Surroundings, errors: Sequence[OwnError]) -> Iterator[_Candidate]:
    own_firsts = {error.first for error in errors}
    for episode in around.episodes:
        is_own = bool(set(episode.keys) & set(case.keys)) if episode.keys else episode.first in own_firsts
        if is_own or episode.identity == trouble.identity:
            continue
        if not _is_of_the_time(episode, case) or (trouble.cause.is_established and not _is_deeper(episode, case)):
            continue
        origin = episode.last.origin
        watch = Watch(around.state.watched_since(episode.first.origin), around.state.watched_until(origin))
        against = points_against(episode, watch, case) or (_left_over(episode, case),)
        yield _Candidate(
            failure=episode.failure,
            culprit=episode.culprit,
            first=episode.first,
            last=episode.last,
            count=episode.count,
            in_favour=points_for(episode, case),
            against=against,
            is_own=False,
        )


def _is_of_the_time(episode: Episode, case: Case) -> bool:
    until = case.ended_at or case.last_at
    return case.onset_at - BEFORE_ONSET <= episode.last.at and episode.first.at <= until + AFTER_END


def _is_deeper(episode: Episode, case: Case) -> bool:
    own = depth_of(case.failure.failure_class) if case.failure is not None else 9
    return depth_of(episode.failure.failure_class) < own


def _left_over(episode: Episode, case: Case) -> Point:
    """Why something is not named though neither time nor names speak against it."""
    if _is_deeper(episode, case):
        text = "that the failing call passes through it is known from its product only: its objects were not given"
        return Point(Against.RELATION_NOT_SEEN, text)
    return Point(Against.NOT_DEEPER, "it does not say why, as little as the error itself")


def _facts(candidate: _Candidate) -> Suspect:
    culprit = candidate.culprit
    facts = None
    if culprit is not None:
        facts = CulpritFacts(culprit.kind, culprit.name or None, culprit.namespace or None, culprit.host or None)
    return Suspect(
        failure_class=candidate.failure.failure_class,
        culprit=facts,
        text=candidate.failure.text,
        first_seen_at=candidate.first.at,
        last_seen_at=candidate.last.at,
        count=candidate.count,
        in_favour=tuple(WeighedPoint(point.reason.value, point.text) for point in candidate.in_favour),
        against=tuple(WeighedPoint(point.reason.value, point.text) for point in candidate.against),
    )
