"""What is remembered of pods that could not be created: by ReplicaSet, and by Rollout where it says so itself.

A condition holds until it is seen to be gone. An Event or a log line tells of attempts only, which go on for as long as
pods are wanted. Each origin is fed in its own order; what one origin saw recover counts for all (`blocks`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from parsers.events import Failure, PodCreationSeen
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import ObjectSeen
from parsers.facts.workloads import ReplicaSetFacts
from parsers.objects.failing import failing_condition
from parsers.pod_creation import CREATED, FAILED
from parsers.records import Origin
from pipeline.engine.backoff import creation_wait_after
from pipeline.engine.streak import EndReason, Streak
from pipeline.engine.tallies import Sighting, signature_of

HEALTHY: Final = "Healthy"
"""The phase of a Rollout that has all pods it wants."""
MAX_HISTORIES: Final = 50_000
MAX_COUNTED: Final = 50_000
"""Kubernetes Events whose last count is remembered: exporters and watches show one Event again and again."""
MAX_STREAKS: Final = 16
MAX_RECOVERIES: Final = 32
GIVEN_UP_AFTER: Final = 3
"""So many times the wait that was to be expected, attempts without an end are over: nothing more is wanted."""


class CreationHistory(msgspec.Struct):
    """Of one ReplicaSet, or of what one Rollout says itself."""

    streaks: dict[Origin, list[Streak]] = msgspec.field(default_factory=dict)
    recovered_at: list[datetime] = msgspec.field(default_factory=list)  # seen to be free of it, newest times
    unblocked_at: list[datetime] = msgspec.field(default_factory=list)  # a Rollout with all its ReplicaSets was


class PodCreations:
    """All of them."""

    def __init__(self) -> None:
        self.histories: dict[ObjectRef, CreationHistory] = {}
        self.evicted_count = 0
        self.changed: set[ObjectRef] = set()  # since somebody stored them
        self._counted: dict[tuple[ObjectRef, str], tuple[int, datetime | None]] = {}

    def feed_line(self, event: PodCreationSeen) -> None:
        """A line of kube-controller-manager."""
        history = self._history(ObjectRef("ReplicaSet", event.namespace, event.replica_set))
        if event.failure is None:
            _recover(history, event.at, event.origin)
        else:
            _attempt(history, event.failure, Sighting(event.at, event.origin, event.line), event.at, 1)

    def feed_object(self, event: ObjectSeen) -> None:
        """A snapshot of a ReplicaSet or a Rollout, or a Kubernetes Event about a ReplicaSet."""
        match event.facts:
            case KubernetesEventFacts():
                self._feed_kube_event(event, event.facts)
            case ReplicaSetFacts() | RolloutFacts() if event.is_deleted:
                _recover(self._history(event.facts.ref), event.at, event.origin)
            case ReplicaSetFacts() | RolloutFacts() if event.facts.has_status:
                self._feed_status(event, event.facts)
        if isinstance(event.facts, RolloutFacts) and event.facts.phase == HEALTHY:
            self.note_unblocked(event.facts.ref, event.at)

    def note_unblocked(self, rollout: ObjectRef, at: datetime) -> None:
        """The Rollout is healthy, or its controller found that no ReplicaSet of it has the condition any more."""
        _remember(self._history(rollout).unblocked_at, at)

    def _feed_kube_event(self, event: ObjectSeen, facts: KubernetesEventFacts) -> None:
        if facts.involved.kind != "ReplicaSet":
            return
        if facts.reason == CREATED:
            _recover(self._history(facts.involved), event.at, event.origin)
        elif facts.reason == FAILED and event.failure is not None:
            count = self._newly_counted(facts)
            if count:
                first_at = min(facts.first_at or event.at, event.at) if count == facts.count else event.at
                seen = Sighting(event.at, event.origin, event.line)
                _attempt(self._history(facts.involved), event.failure, seen, first_at, count)

    def _newly_counted(self, facts: KubernetesEventFacts) -> int:
        """How many attempts an Event tells of that its earlier showings did not."""
        place = facts.involved, facts.ref.name or facts.message
        known, last_at = self._counted.pop(place, (0, None))
        self._counted[place] = facts.count, facts.last_at
        if len(self._counted) > MAX_COUNTED:
            del self._counted[next(iter(self._counted))]
        is_same = facts.count > known or (facts.count, facts.last_at) == (known, last_at)
        return facts.count - known if is_same else facts.count

    def _feed_status(self, event: ObjectSeen, facts: ReplicaSetFacts | RolloutFacts) -> None:
        condition = failing_condition(facts)
        history = self._history(facts.ref)
        if condition is None or event.failure is None:
            _recover(history, event.at, event.origin)
            return
        since = min(condition.changed_at or event.at, event.at)
        _hold(history, event.failure, Sighting(event.at, event.origin, event.line), since, event.latest_at or event.at)

    def counted(self, refs: Collection[ObjectRef]) -> dict[ObjectRef, dict[str, tuple[int, datetime | None]]]:
        """What was counted of the Events about some objects."""
        found: dict[ObjectRef, dict[str, tuple[int, datetime | None]]] = {ref: {} for ref in refs}
        for (ref, which), shown in self._counted.items():
            if ref in found:
                found[ref][which] = shown
        return found

    def recall(
        self, ref: ObjectRef, history: CreationHistory, counted: Mapping[str, tuple[int, datetime | None]]
    ) -> None:
        """Know again how the creations of an object's pods fared."""
        self.histories[ref] = history
        self._counted.update({(ref, which): shown for which, shown in counted.items()})

    def drop(self, ref: ObjectRef) -> None:
        """Forget an object."""
        del self.histories[ref]
        self.changed.add(ref)
        for place in [place for place in self._counted if place[0] == ref]:
            del self._counted[place]

    def _history(self, ref: ObjectRef) -> CreationHistory:
        self.changed.add(ref)
        history = self.histories.get(ref)
        if history is None:
            history = self.histories[ref] = CreationHistory()
            if len(self.histories) > MAX_HISTORIES:
                oldest = next(iter(self.histories))
                del self.histories[oldest]
                self.changed.add(oldest)
                self.evicted_count += 1
        return history


def _attempt(history: CreationHistory, failure: Failure, seen: Sighting, first_at: datetime, count: int) -> None:
    """So many attempts failed, the first and the last one at known times: most of them soon after the first."""
    streak = _open(history, seen, first_at)
    first_at = max(first_at, streak.first_at) if streak.refusals == 0 else first_at
    streak.refusals += count
    for at in (*(first_at,) * (min(count, 32) - 1), seen.at):
        streak.touch(at)
    streak.tally(failure, msgspec.structs.replace(seen, at=first_at))
    if count > 1:
        streak.tally(failure, seen)
        if (tally := streak.tallies.get(signature_of(failure))) is not None:
            tally.count += count - 2


def _hold(history: CreationHistory, failure: Failure, seen: Sighting, since: datetime, latest_at: datetime) -> None:
    """A condition says that pods cannot be created, since then and when it was seen."""
    streak = _open(history, seen, since)
    is_new = signature_of(failure) not in streak.tallies
    streak.lasts = True
    streak.sampled_until = max(latest_at, streak.sampled_until or latest_at)
    streak.refusals += is_new
    streak.touch(max(since, streak.first_at))
    streak.touch(seen.at)
    if is_new:
        streak.tally(failure, seen)
    else:
        tally = streak.tallies[signature_of(failure)]
        tally.last = max(tally.last, seen)


def _open(history: CreationHistory, seen: Sighting, since: datetime) -> Streak:
    """The streak that goes on in this origin, or a new one, which begins when the last one was over at the earliest."""
    streaks = history.streaks.setdefault(seen.origin, [])
    last = streaks[-1] if streaks else None
    if last is not None and last.ended_at is None:
        if last.lasts or since <= given_up_at(last):
            return last
        last.ended_at, last.end = last.last_at, EndReason.PRESUMED
    first_at = since if last is None or last.ended_at is None else max(since, min(last.ended_at, seen.at))
    streaks.append(Streak(origin=seen.origin, first_at=first_at, last_at=first_at, is_blocked=True))
    del streaks[:-MAX_STREAKS]
    return streaks[-1]


def _recover(history: CreationHistory, at: datetime, origin: Origin) -> None:
    _remember(history.recovered_at, at)
    streaks = history.streaks.get(origin, [])
    if streaks and streaks[-1].ended_at is None and streaks[-1].last_at < at:
        streaks[-1].ended_at, streaks[-1].end = at, EndReason.UNBLOCKED


def _remember(times: list[datetime], at: datetime) -> None:
    times.append(at)
    times.sort()
    del times[:-MAX_RECOVERIES]


def given_up_at(streak: Streak) -> datetime:
    """From when on the silence after the last attempt says that no more attempts are made."""
    wait = creation_wait_after((streak.last_at - streak.first_at).total_seconds())
    return streak.last_at + timedelta(seconds=GIVEN_UP_AFTER * wait)
