"""Everything that is remembered of one cluster: tracks of keys, failures without a key, what the origins showed.

Feeding only remembers; what it means is worked out by `grouping`, as a pure function of this state.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from parsers.events import (
    ControllerStarted,
    ControllerStopped,
    Event,
    Failure,
    FailureSeen,
    KeyDeleted,
    LeaderElected,
    LeaderLost,
    ObjectKey,
    PodCreationSeen,
    ReplicasBlocked,
    RetryCounted,
    SyncCompleted,
    SyncFailed,
    SyncRefused,
)
from parsers.facts.analysis_runs import AnalysisRunFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import AnyFacts, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.engine.analysis_runs import rollout_behind
from pipeline.engine.creations import PodCreations
from pipeline.engine.dispensable import dispensable_keys
from pipeline.engine.inventory import Inventory
from pipeline.engine.objects import ClusterObjects
from pipeline.engine.origins import OriginState
from pipeline.engine.seen import OBJECT_CARRIER, SeenFailures
from pipeline.engine.settings import EngineSettings
from pipeline.engine.streaks import Track
from pipeline.engine.tallies import Sighting
from pipeline.engine.watched import WatchedLogs

ROOM = 1.1
"""How far the state may grow beyond its limits before it is trimmed: trimming has to follow an evaluation."""


class ClusterState:
    """The state of one cluster. `feed` is called in each origin's own order; origins may come in any order."""

    def __init__(self, settings: EngineSettings, watched: WatchedLogs) -> None:
        self.keys: dict[ObjectKey, dict[Origin, Track]] = {}
        self.origins: dict[Origin, OriginState] = {}
        self.seen = SeenFailures(settings)
        self.creations = PodCreations()
        self.watched = watched
        self.failed: dict[ObjectKey, None] = {}  # keys that ever failed, oldest first
        self.objects = ClusterObjects()
        self.evicted_count = 0
        self.changed_keys: set[ObjectKey] = set()  # since somebody stored them
        self._settings = settings
        self._pending: dict[Origin, set[ObjectKey]] = {}  # passes whose success is not certain yet
        self._has_long_history = False
        self._forgotten = 0
        self._most_keys = settings.max_keys * ROOM

    @property
    def is_full(self) -> bool:
        """Whether it has grown so far beyond its limits that it should be evaluated and trimmed."""
        return self._has_long_history or len(self.keys) > self._most_keys

    def feed(self, event: Event) -> bool:
        """Remember an event; says whether incidents may look different now."""
        match event:
            case ObjectSeen():
                self._note_watch(event)
                return self._feed_object(event)
            case ObjectsListed():
                gone = [self._feed_object(one) for one in list(self.objects.missing_from(event))]
                return self.objects.note_read(event) or bool(gone)
            case ObjectsUnread():
                return self.objects.note_unread(event)
        origin = self._touch_origin(event)
        return self._confirm_passes(event.origin, event.at) | self._feed(event, origin)

    def _feed(self, event: Event, origin: OriginState) -> bool:
        match event:
            case SyncCompleted():
                return self._feed_pass(event, origin)
            case SyncFailed() | SyncRefused() | RetryCounted() | ReplicasBlocked() | KeyDeleted():
                return self._feed_key(event, origin)
            case FailureSeen():
                self.seen.feed(event)
                return True
            case PodCreationSeen():
                self.creations.feed_line(event)
                return True
            case _:
                return self._feed_milestone(event, origin)

    def recall_key(self, key: ObjectKey, tracks: dict[Origin, Track], *, has_failed: bool) -> None:
        """Know again how a key fared."""
        self.keys[key] = tracks
        if has_failed:
            self.failed[key] = None
        for origin, track in tracks.items():
            if track.completed_at is not None:
                self._pending.setdefault(origin, set()).add(key)
            self._has_long_history |= len(track.streaks) > 2 * self._settings.max_history
        self._most_keys = max(self._settings.max_keys, len(self.keys)) * ROOM

    def inventory(self) -> Inventory:
        """What the objects say, in their newest versions."""
        return self.objects.inventory()

    def _note_watch(self, event: ObjectSeen) -> None:
        """Up to when the source of the objects was watched."""
        state = self.origins.get(event.origin)
        if state is None:
            state = self.origins[event.origin] = OriginState(first_at=event.at, last_at=event.at)
        state.last_at = max(state.last_at, event.at)

    def watched_since(self, origin: Origin) -> datetime:
        """Since when an origin was being read."""
        return self.watched.since(origin, self.origins[origin].first_at)

    def watched_until(self, origin: Origin) -> datetime:
        """Until when an origin was being read."""
        return self.watched.until(origin, self.origins[origin].last_at)

    def heard_until(self, origin: Origin) -> datetime:
        """The newest line of an origin, whether or not it mattered."""
        last_at = self.origins[origin].last_at
        return max(last_at, self.watched.heard_until(origin) or last_at)

    def _feed_object(self, event: ObjectSeen) -> bool:
        if not self.objects.take(event):
            return False
        self.creations.feed_object(event)
        if event.failure is not None and not event.is_deleted:
            self._feed_object_failure(event, event.failure)
        return True

    def _feed_object_failure(self, event: ObjectSeen, failure: Failure) -> None:
        """What an object says went wrong is evidence like another component's line."""
        facts = event.facts
        began_at = _began_at(facts) or event.at
        origin = self.origins[event.origin]
        origin.first_at = min(origin.first_at, began_at)
        self.seen.feed(FailureSeen(began_at, event.origin, event.line, failure, OBJECT_CARRIER, rollout_behind(facts)))

    def _touch_origin(self, event: Event) -> OriginState:
        state = self.origins.get(event.origin)
        if state is None:
            state = self.origins[event.origin] = OriginState(first_at=event.at, last_at=event.at)
        state.last_at = max(state.last_at, event.at)
        if not isinstance(event, FailureSeen | PodCreationSeen | LeaderElected | LeaderLost):
            state.is_controller = True
        return state

    def _track(self, key: ObjectKey, origin: Origin) -> Track:
        self.changed_keys.add(key)
        tracks = self.keys.get(key)
        if tracks is None:
            tracks = self.keys[key] = {}
        track = tracks.get(origin)
        if track is None:
            state = self.origins[origin]
            track = tracks[origin] = Track(watched_since=state.first_at)
            track.started_at = max((*state.starts[-1:], *state.leads[-1:]), default=None)
        return track

    def _feed_pass(self, event: SyncCompleted, origin: OriginState) -> bool:
        origin.shows_passes = True
        self.seen.note_sign_of_life(event)
        origin.first_pass_at = origin.first_pass_at or event.at
        origin.last_pass_at = event.at if origin.last_pass_at is None else max(origin.last_pass_at, event.at)
        track = self._track(event.key, event.origin)
        passes_before = track.passes[-1:]
        track.complete(event.at)
        if event.generation is not None:
            track.read_generation(event.generation, event.at)
        if track.completed_at is not None:
            self._pending.setdefault(event.origin, set()).add(event.key)
        return event.key in self.failed and track.passes[-1:] != passes_before

    def _feed_key(
        self, event: SyncFailed | SyncRefused | RetryCounted | ReplicasBlocked | KeyDeleted, origin: OriginState
    ) -> bool:
        track = self._track(event.key, event.origin)
        seen = Sighting(event.at, event.origin, event.line)
        streaks_before = len(track.streaks)
        match event:
            case SyncFailed() | SyncRefused():
                origin.shows_attempts = True
                track.fail(event.failure, seen, is_refusal=isinstance(event, SyncRefused))
            case RetryCounted():
                origin.shows_attempts = True
                track.count(event.count, seen, high_count=self._settings.rule_for(event.key).retries)
            case ReplicasBlocked():
                if event.failure is None:
                    track.unblock(event.at)
                    self.creations.note_unblocked(ObjectRef("Rollout", event.key.namespace, event.key.name), event.at)
                else:
                    track.block(event.failure, seen)
            case KeyDeleted():
                track.delete(event.at)
        if len(track.streaks) > streaks_before:
            self.failed.setdefault(event.key)
            rule = self._settings.rule_for(event.key)
            shortest = min(rule.failing_seconds, rule.retries_seconds)
            self.evicted_count += track.forget_short(self._settings.max_history, shortest)
            self._has_long_history |= len(track.streaks) > 2 * self._settings.max_history
        return True

    def _feed_milestone(self, event: Event, origin: OriginState) -> bool:
        origin.note_milestone(event)
        match event:
            case ControllerStarted():
                self._restart(event)
            case LeaderElected():
                self.seen.note_sign_of_life(event)
                self._restart(event)
            case LeaderLost() | ControllerStopped():
                self.seen.note_loss(event)
        return True

    def _restart(self, event: Event) -> None:
        """Every count of the process begins at zero again."""
        for key, tracks in self.keys.items():
            track = tracks.get(event.origin)
            if track is not None:
                self.changed_keys.add(key)
                track.restart(event.at)

    def _confirm_passes(self, origin: Origin, at: datetime) -> bool:
        """Passes that nothing contradicts are successes now; says whether one of them can have ended trouble.

        That of another origin can, too.
        """
        waiting = self._pending.get(origin)
        if not waiting:
            return False
        has_ended = False
        for key in list(waiting):
            track = self.keys.get(key, {}).get(origin)
            if track is not None:
                self.changed_keys.add(key)
                passes_before = track.passes[-1:]
                track.confirm_before(at)
                has_ended |= key in self.failed and track.passes[-1:] != passes_before
            if track is None or track.completed_at is None:
                waiting.discard(key)
        return has_ended

    def has_forgotten(self) -> bool:
        """Whether anything was forgotten since this was asked the last time."""
        evicted_count = (
            self.evicted_count + self.objects.evicted_count + self.seen.evicted_count + self.creations.evicted_count
        )
        forgotten, self._forgotten = self._forgotten, evicted_count
        return forgotten != self._forgotten

    def trim(self, in_trouble: Collection[ObjectKey]) -> None:
        """Bring the state back to its limits; to be called when it was evaluated, as what goes is not found again."""
        if self._has_long_history:
            for key in self.failed:
                self.changed_keys.add(key)
                for track in self.keys[key].values():
                    self.evicted_count += track.trim(self._settings.max_history)
            self._has_long_history = False
        surplus = max(0, len(self.keys) - self._settings.max_keys)
        for key in dispensable_keys(self.keys, self.failed, in_trouble)[:surplus] if surplus else ():
            self.drop_key(key)
            self.evicted_count += 1
        self._most_keys = max(self._settings.max_keys, len(self.keys)) * ROOM

    def drop_key(self, key: ObjectKey) -> None:
        """Forget a key."""
        del self.keys[key]
        self.failed.pop(key, None)
        self.changed_keys.add(key)


def _began_at(facts: AnyFacts) -> datetime | None:
    """When something failed, as far as the object itself says."""
    if isinstance(facts, KubernetesEventFacts):
        return facts.first_at
    return facts.ended_at if isinstance(facts, AnalysisRunFacts) else None


def failures_of(state: ClusterState) -> list[Failure]:
    """Every kind of failure that is remembered."""
    found = [known.tally.failure for known in state.seen]
    for key in state.failed:
        for track in state.keys[key].values():
            found.extend(tally.failure for streak in track.streaks for tally in streak.tallies.values())
    return found
