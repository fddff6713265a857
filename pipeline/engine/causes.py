"""Which of a spell's failures is its cause, and whether that is established.

The answer carries its basis and never a made-up probability. Time alone establishes nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from parsers.events import Failure, ObjectKey
from pipeline.engine.culprits import (
    NOBODY,
    Aliases,
    Culprit,
    culprit_of,
    identity_of,
    identity_unestablished,
    may_be_converted,
    names_only_itself,
)
from pipeline.engine.tallies import Sighting, Tally


class Basis(enum.Enum):
    """Why a cause is believed."""

    OWN_ERROR = "own_error"
    NAMED_OBJECT = "named_object"
    RELATION = "relation"
    NONE = "none"


class Cause(msgspec.Struct, frozen=True):
    """The cause of a spell. Not established: `failure` is the dominant error, and blames nobody."""

    failure: Failure | None  # None: the log has no error at all
    culprit: Culprit | None
    identity: str
    basis: Basis
    first: Sighting | None = None
    explained_count: int = 0  # attempts of the spell that it explains
    evidence: tuple[Tally, ...] = ()  # of other origins, where they establish it

    @property
    def is_established(self) -> bool:
        """Whether there is evidence for it."""
        return self.basis is not Basis.NONE

    @property
    def failure_class(self) -> str:
        """The class to report."""
        return self.failure.failure_class if self.failure is not None and self.is_established else "unknown"


_DEPTH = (
    ("tls.handshake_eof", 3),
    ("tls.bad_certificate", 2),
    ("tls.", 0),
    ("webhook.no_endpoints", 1),
    ("webhook.admission_denied", 1),
    ("webhook.", 2),
    ("crd.missing", 1),
    ("object.not_found", 2),
    ("apiserver.unauthorized", 2),
    ("apiserver.", 4),
    ("network.", 4),
    ("leader_election", 5),
    ("conflict", 6),
    ("unknown", 9),
)
_DEFAULT_DEPTH = 2


def depth_of(failure_class: str) -> int:
    """How deep a class lies; the deepest is 0."""
    return next((depth for prefix, depth in _DEPTH if failure_class.startswith(prefix)), _DEFAULT_DEPTH)


ANSWERED_FOR = timedelta(seconds=60)
"""Other failures that go on for so long behind the last of an outage say that it is over."""
_ANSWERS = ("webhook.", "rbac.", "quota", "spec.invalid", "field_immutable", "crd.", "object.not_found", "etcd.")


def _is_of_webhook(tally: Tally) -> bool:
    """Whether it is about a webhook, which only the API server calls."""
    return tally.failure.is_conversion or tally.failure.webhook is not None


class _Group(msgspec.Struct):
    identity: str
    tallies: list[Tally]

    @property
    def count(self) -> int:
        return sum(tally.count for tally in self.tallies)

    @property
    def first(self) -> Sighting:
        return min(tally.first for tally in self.tallies)

    @property
    def last(self) -> Sighting:
        return max(tally.last for tally in self.tallies)

    @property
    def is_outage(self) -> bool:
        """Whether all of it says that the API server is away."""
        return all(is_outage(tally.failure) for tally in self.tallies)

    @property
    def is_answer(self) -> bool:
        """Whether only an API server that is there can say so."""
        return any(tally.failure.failure_class.startswith(_ANSWERS) or _is_of_webhook(tally) for tally in self.tallies)

    @property
    def is_symptom(self) -> bool:
        return all(tally.failure.failure_class in ("conflict", "unknown") for tally in self.tallies)

    def representative(self) -> Failure:
        """The deepest failure among those that are not rare."""
        least = max(1, self.count // 10)
        frequent = [tally for tally in self.tallies if tally.count >= least]
        best = min(frequent, key=lambda tally: (depth_of(tally.failure.failure_class), -tally.count, tally.first))
        return best.failure


def choose_cause(tallies: Sequence[Tally], key: ObjectKey | None, aliases: Aliases) -> Cause:
    """The cause among a spell's failures.

    It is the one that explains most attempts; among equals the one that the spell began with. Conflicts are symptoms
    wherever something else explains a tenth of the attempts, and an outage of the API server is none when it has ended.
    """
    groups = _grouped(tallies, key, aliases)
    if not groups:
        return Cause(failure=None, culprit=None, identity="unknown|no error in the log", basis=Basis.NONE)
    total = sum(group.count for group in groups)
    serious = [group for group in groups if not group.is_symptom and group.count * 10 >= total]
    serious = [group for group in serious if not _is_over(group, serious)]
    best = max(serious or groups, key=lambda group: (group.count, _reversed(group.first)))
    failure = best.representative()
    established = is_established(failure)
    culprit = culprit_of(failure, key, aliases)
    return Cause(
        failure=failure,
        culprit=culprit if established and culprit != NOBODY else None,
        identity=best.identity if established else identity_unestablished(failure, key, aliases),
        basis=Basis.OWN_ERROR if established else Basis.NONE,
        first=best.first,
        explained_count=best.count,
    )


def is_outage(failure: Failure) -> bool:
    """Whether it says that the API server is away, and not an API that somebody else serves."""
    return failure.failure_class == "apiserver.unreachable" and failure.api_group is None


def _is_over(group: _Group, others: Sequence[_Group]) -> bool:
    """Whether the API server was away and is there again: what failed for long afterwards it has answered itself."""
    return group.is_outage and any(one.is_answer and one.last.at - group.last.at >= ANSWERED_FOR for one in others)


def _reversed(sighting: Sighting) -> float:
    return -sighting.at.timestamp()


def _grouped(tallies: Iterable[Tally], key: ObjectKey | None, aliases: Aliases) -> list[_Group]:
    groups: dict[str, _Group] = {}
    for tally in tallies:
        identity = identity_of(tally.failure, key, aliases)
        groups.setdefault(identity, _Group(identity, [])).tallies.append(tally)
    return sorted(groups.values(), key=lambda group: (group.first, group.identity))


NAMELESS_RULES = frozenset(
    {"network.deadline", "tls.handshake-timeout", "apiserver.time-allotted", "network.dial-timeout"}
)
"""Rules of time-outs that do not say who was slow; what else the text names decides."""


def is_established(failure: Failure) -> bool:
    """Whether the failure's own text says enough to name a cause.

    A bare time-out names nobody. A time-out of a call about a custom resource may be its conversion webhook's: the
    API server says the same when it is slow itself. What sheds load, or says that etcd is slow, says who it is.
    """
    if failure.failure_class == "unknown":
        return False
    if failure.rule not in NAMELESS_RULES:
        return True
    named = failure.named_object
    is_timeout = failure.failure_class == "apiserver.overloaded"
    is_ambiguous = is_timeout and named is not None and may_be_converted(named.resource)
    return not is_ambiguous and not names_only_itself(failure)
