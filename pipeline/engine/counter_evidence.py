"""What speaks for a suspect and what against it, each with the facts.

Nothing here decides who is to blame: it says why somebody is not named.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from parsers.events import Failure, ObjectKey
from pipeline.engine.causes import NAMELESS_RULES
from pipeline.engine.culprits import Aliases, may_be_converted
from pipeline.engine.episodes import Episode
from pipeline.engine.inventory import service_ref_of
from pipeline.engine.joins import SLACK, is_of_services, names_of
from pipeline.engine.own_errors import FOLLOWING
from pipeline.engine.phrases import age_text, moment_text

QUIET = timedelta(minutes=5)
"""So long without a failure, in a log that goes on, and three of its usual pauses: the suspect had recovered."""
NEAR = timedelta(minutes=5)
"""So near to the onset it speaks for a suspect, though it proves nothing."""


class Against(enum.Enum):
    """Why a suspect is not named as the cause. Those of the time exclude it, those of names leave it possible."""

    BEGAN_AFTER_ONSET = "began_after_onset"
    BEGAN_AFTER_END = "began_after_end"
    OVER_BEFORE_ONSET = "over_before_onset"
    RECOVERED_WHILE_STUCK = "recovered_while_stuck"
    OTHER_NAMESPACE = "other_namespace"
    OTHER_SERVICE = "other_service"
    OTHER_WEBHOOK = "other_webhook"
    OTHER_KIND = "other_kind"
    OTHER_API = "other_api"
    NOTHING_TIES_IT = "nothing_ties_it"
    TOO_FEW = "too_few"
    RELATION_NOT_SEEN = "relation_not_seen"
    NOT_DEEPER = "not_deeper"
    ANALYSIS_ONLY = "analysis_only"
    NAMES_NOBODY = "names_nobody"
    AMBIGUOUS = "ambiguous"
    NOT_UNDERSTOOD = "not_understood"
    FOLLOWS_FROM_ALL = "follows_from_all"


EXCLUDING = frozenset(
    {Against.BEGAN_AFTER_ONSET, Against.BEGAN_AFTER_END, Against.OVER_BEFORE_ONSET, Against.RECOVERED_WHILE_STUCK}
)
ELSEWHERE = frozenset(
    {Against.OTHER_NAMESPACE, Against.OTHER_SERVICE, Against.OTHER_WEBHOOK, Against.OTHER_KIND, Against.OTHER_API}
)


class InFavour(enum.Enum):
    """What speaks for a suspect. None of it establishes a cause."""

    NEAR_ONSET = "near_onset"
    OWN_ERROR = "own_error"
    SAME_NAMES = "same_names"
    BEHIND_THE_CALL = "behind_the_call"
    OWN_ANALYSIS = "own_analysis"
    SAME_NAMESPACE = "same_namespace"


class Point(msgspec.Struct, frozen=True):
    """One reason, in words that hold the facts."""

    reason: Against | InFavour
    text: str


class Case(msgspec.Struct, frozen=True):
    """The trouble that something is suspected of."""

    failure: Failure | None  # what the stuck objects' own error says
    keys: tuple[ObjectKey, ...]
    onset_at: datetime
    last_at: datetime  # the last failure
    ended_at: datetime | None
    aliases: Aliases
    services: frozenset[str]  # that the failing call passes through


class Watch(msgspec.Struct, frozen=True):
    """Over which time the log of a suspect was read."""

    since: datetime
    until: datetime


def points_against(episode: Episode, watch: Watch, case: Case) -> tuple[Point, ...]:
    """Everything that speaks against an episode elsewhere, those of time first."""
    return (*_against_by_time(episode, watch, case), *_against_by_names(episode, case))


def _against_by_time(episode: Episode, watch: Watch, case: Case) -> Iterator[Point]:
    first_at, last_at = episode.first.at, episode.last.at
    if case.ended_at is not None and first_at > case.ended_at:
        yield Point(Against.BEGAN_AFTER_END, f"it began at {moment_text(first_at)}, when the trouble was over")
        return
    if first_at > case.onset_at + SLACK and watch.since < case.onset_at:
        late, since = age_text(case.onset_at, first_at), moment_text(watch.since)
        text = f"it began at {moment_text(first_at)}, {late} after the trouble, in a log that was read from {since} on"
        yield Point(Against.BEGAN_AFTER_ONSET, text)
    quiet_until = min(watch.until, case.last_at)
    if not _was_quiet(episode, quiet_until):
        return
    ended, until = moment_text(last_at), moment_text(watch.until)
    if last_at < case.onset_at - SLACK:
        early = age_text(last_at, case.onset_at)
        text = f"it was seen last at {ended}, {early} before the trouble, in a log that goes on until {until}"
        yield Point(Against.OVER_BEFORE_ONSET, text)
    else:
        text = (
            f"it was seen last at {ended}, in a log that goes on until {until}; "
            f"the trouble lasted until {moment_text(case.last_at)} at least"
        )
        yield Point(Against.RECOVERED_WHILE_STUCK, text)


def _was_quiet(episode: Episode, until: datetime) -> bool:
    pause = (episode.last.at - episode.first.at) / max(1, episode.count - 1)
    return until - episode.last.at > max(QUIET, 3 * pause)


_SORTS = {
    "service": Against.OTHER_SERVICE,
    "webhook": Against.OTHER_WEBHOOK,
    "resource": Against.OTHER_KIND,
    "api": Against.OTHER_API,
}


def _against_by_names(episode: Episode, case: Case) -> Iterator[Point]:
    """That it names other things than the objects' own error does, or nothing that can be compared."""
    own = names_of(case.failure, case.aliases) if case.failure is not None else frozenset()
    named = names_of(episode.failure, case.aliases)
    if own & named or is_behind(episode, case):
        return
    if analysed_by(episode, case):
        text = "an analysis fails by it, and that ends an update; that the failing call needs it is not shown"
        yield Point(Against.ANALYSIS_ONLY, text)
        return
    found = list(_other_names(own, named)) or list(_other_namespace(episode, case))
    if found:
        yield from found
    else:
        yield Point(Against.NOTHING_TIES_IT, "nothing ties it to the error but the time: they name nothing in common")


def _other_names(own: frozenset[str], named: frozenset[str]) -> Iterator[Point]:
    for sort, reason in _SORTS.items():
        ours = sorted(name.partition(" ")[2] for name in own if name.startswith(f"{sort} "))
        theirs = sorted(name.partition(" ")[2] for name in named if name.startswith(f"{sort} "))
        if not ours or not theirs:
            continue
        is_namesake = sort == "service" and _differ_in_namespace(ours[0], theirs[0])
        noun = "API" if sort == "api" else sort
        yield Point(
            Against.OTHER_NAMESPACE if is_namesake else reason,
            f"it is about the {noun} {theirs[0]}, the error about {ours[0]}",
        )


def _differ_in_namespace(one: str, other: str) -> bool:
    first, second = service_ref_of(one), service_ref_of(other)
    return first is not None and second is not None and first.name == second.name


def _other_namespace(episode: Episode, case: Case) -> Iterator[Point]:
    """What lies in a namespace of its own, as a quota does, explains nothing in another one."""
    culprit = episode.culprit
    namespaces = sorted({key.namespace for key in case.keys})
    if culprit.kind in ("Service", "ServiceAccount") or not culprit.namespace or not namespaces:
        return
    if culprit.namespace not in namespaces:
        shown = ", ".join(namespaces[:3])
        text = f"{culprit.kind} {culprit.namespace}/{culprit.name} is in another namespace than what is stuck ({shown})"
        yield Point(Against.OTHER_NAMESPACE, text)


def is_behind(episode: Episode, case: Case) -> bool:
    """Whether it is the trouble of a Service that the failing call passes through."""
    return is_of_services(episode.failure, episode.last.origin, case.services, case.aliases)


def analysed_by(episode: Episode, case: Case) -> list[ObjectKey]:
    """What is stuck and has an AnalysisRun, by its owner reference, that failed by it."""
    return sorted(set(episode.analysed) & set(case.keys))


def points_for(episode: Episode, case: Case) -> tuple[Point, ...]:
    """What speaks for an episode elsewhere."""
    return tuple(_for(episode, case))


def _for(episode: Episode, case: Case) -> Iterator[Point]:
    own = names_of(case.failure, case.aliases) if case.failure is not None else frozenset()
    common = sorted(own & names_of(episode.failure, case.aliases))
    if common:
        yield Point(InFavour.SAME_NAMES, f"the error names the {common[0]}, too")
    elif is_behind(episode, case):
        yield Point(InFavour.BEHIND_THE_CALL, "the call that fails passes through it")
    for key in analysed_by(episode, case)[:1]:
        yield Point(InFavour.OWN_ANALYSIS, f"an AnalysisRun of {key} fails by it")
    gap = abs(episode.first.at - case.onset_at)
    if gap <= NEAR:
        side = "before" if episode.first.at <= case.onset_at else "after"
        age = age_text(min(episode.first.at, case.onset_at), max(episode.first.at, case.onset_at))
        yield Point(InFavour.NEAR_ONSET, f"it began {age} {side} the trouble")
    namespace = episode.culprit.namespace
    if namespace and namespace in {key.namespace for key in case.keys}:
        yield Point(InFavour.SAME_NAMESPACE, f"it is in the namespace {namespace} of what is stuck")


def points_against_own(failure: Failure, count: int, total: int) -> tuple[Point, ...]:
    """Why one of the objects' own errors is not named as the cause."""
    name = failure.failure_class
    if name == "unknown":
        return (Point(Against.NOT_UNDERSTOOD, "no rule knows this message, and it is not clear whom it accuses"),)
    if name in FOLLOWING:
        return (Point(Against.FOLLOWS_FROM_ALL, "a consequence of almost any trouble"),)
    named = failure.named_object
    if failure.rule in NAMELESS_RULES and named is not None and may_be_converted(named.resource):
        text = (
            f"the API server says the same when it is slow itself and when a conversion webhook of {named.resource} "
            "hangs: it does not say which"
        )
        return (Point(Against.AMBIGUOUS, text),)
    if 0 < count < total:
        return (Point(Against.TOO_FEW, f"it explains {count} of {total} failed attempts"),)
    return (Point(Against.NAMES_NOBODY, "it names no webhook, service or object that could be checked"),)


def point_for_own(count: int, total: int) -> Point:
    """That it is what the stuck objects themselves say."""
    return Point(InFavour.OWN_ERROR, f"it is the error of {count} of {total} failed attempts")


def is_excluded(points: tuple[Point, ...]) -> bool:
    """Whether the time alone excludes it."""
    return any(point.reason in EXCLUDING for point in points)


def is_elsewhere(points: tuple[Point, ...]) -> bool:
    """Whether it is about other things."""
    return any(point.reason in ELSEWHERE for point in points)
