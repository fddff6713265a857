"""The errors of what is stuck, by what they are to the cause: the cause itself, a symptom of it, or something else.

An object that is stuck seldom fails in one way only. Conflicts follow an expired certificate, one webhook that hangs
prints three texts, and now and then a second trouble hides behind the first.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

import msgspec

from parsers.events import Failure, ObjectKey
from pipeline.engine.causes import Basis, Cause, choose_cause, is_established
from pipeline.engine.culprits import NOBODY, Aliases, culprit_of, identity_of
from pipeline.engine.grouping import Trouble
from pipeline.engine.tallies import Sighting, Tally

FOLLOWING = ("conflict", "unknown", "leader_election")
"""Classes that follow from almost everything, and are no cause beside something else."""


class Relation(enum.Enum):
    """What an error is to an established cause."""

    CAUSE = "cause"
    EXPLAINED = "explained"  # the error whose reason another log tells
    SAME_CULPRIT = "same_culprit"  # other words for it
    FOLLOWS = "follows"
    NAMES_NOBODY = "names_nobody"  # a bare time-out: it may be of the same, and accuses nobody else
    OTHER_CULPRIT = "other_culprit"


class OwnError(msgspec.Struct, frozen=True):
    """One kind of error of what is stuck, over all objects."""

    failure: Failure
    first: Sighting
    last: Sighting
    count: int
    keys: tuple[ObjectKey | None, ...]

    @property
    def follows_from_all(self) -> bool:
        """Whether it is of a class that follows from almost everything."""
        return self.failure.failure_class in FOLLOWING


def own_errors(trouble: Trouble) -> list[OwnError]:
    """What the stuck objects, or the controller, say themselves, by class and rule; without evidence of other logs."""
    grouped: dict[tuple[str, str], list[tuple[ObjectKey | None, Tally]]] = {}
    for key, tally in _tallies_of(trouble):
        grouped.setdefault((tally.failure.failure_class, tally.failure.rule), []).append((key, tally))
    found = [_own_error(group) for group in grouped.values()]
    return sorted(found, key=lambda error: (error.first, error.failure.failure_class, error.failure.rule))


def _tallies_of(trouble: Trouble) -> Iterator[tuple[ObjectKey | None, Tally]]:
    for member in trouble.members:
        yield from ((member.key, tally) for tally in member.spell.tallies())
    for tally in trouble.controller.tallies if trouble.controller is not None else ():
        yield None, tally


def _own_error(group: Sequence[tuple[ObjectKey | None, Tally]]) -> OwnError:
    ordered = sorted(group, key=lambda one: (one[1].first, str(one[0])))
    return OwnError(
        failure=ordered[0][1].failure,
        first=ordered[0][1].first,
        last=max(tally.last for _, tally in group),
        count=sum(tally.count for _, tally in group),
        keys=tuple(dict.fromkeys(key for key, _ in ordered)),
    )


class Relations:
    """Tells what errors are to the established cause of a trouble."""

    def __init__(self, trouble: Trouble, aliases: Aliases) -> None:
        self._cause = trouble.cause
        self._aliases = aliases
        self._identity = trouble.identity
        self._behind = frozenset(_identities_behind(trouble, aliases))

    def of(self, error: OwnError) -> Relation:
        """What an error is to the cause."""
        failure = error.failure
        if self._cause.failure is not None and failure.failure_class == self._cause.failure.failure_class:
            is_same = not self._accuses_other(error)
            return Relation.CAUSE if is_same else Relation.OTHER_CULPRIT
        if error.follows_from_all:
            return Relation.FOLLOWS
        if not self._accuses_other(error):
            return Relation.EXPLAINED if self._identities_of(error) & self._behind else Relation.SAME_CULPRIT
        if not is_established(failure) or culprit_of(failure, error.keys[0], self._aliases) == NOBODY:
            return Relation.NAMES_NOBODY
        return Relation.OTHER_CULPRIT

    def _accuses_other(self, error: OwnError) -> bool:
        return self._identities_of(error).isdisjoint((self._identity, *self._behind))

    def _identities_of(self, error: OwnError) -> frozenset[str]:
        return frozenset(identity_of(error.failure, key, self._aliases) for key in error.keys)


def _identities_behind(trouble: Trouble, aliases: Aliases) -> Iterator[str]:
    """Whom the objects' own errors accused before another log said more."""
    for member in trouble.members:
        if member.cause.basis is Basis.NAMED_OBJECT:
            own: Cause = choose_cause(member.spell.tallies(), member.key, aliases)
            if own.failure is not None:
                yield identity_of(own.failure, member.key, aliases)
