"""The engine: events in, changes of incidents out.

    feed(event)   remembers the event in the state of its cluster       (clusters, streaks)
    hear, listen  controllers of which nothing is heard any more         (hearing, silences, listener)
    evaluate      troubles, one for each cause, from that state          (spells, causes, grouping)
                  incidents of the troubles                              (compose, wording)
                  what changed against the incidents before              (lifecycle)

Pure: it reads no clock; time comes from the events, and `advance(at)` moves it where nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from parsers.events import ErrorNotUnderstood, Event
from parsers.facts.seen import ObjectEvent
from parsers.records import Origin
from parsers.rules.model import RuleSet
from pipeline.engine.analysis_watch import AnalysisWatch
from pipeline.engine.changes import Changes, Keepers, recall_part
from pipeline.engine.clusters import ClusterState
from pipeline.engine.compose import compose
from pipeline.engine.drifts import Drifts
from pipeline.engine.forgetting import forget_before
from pipeline.engine.grouping import find_troubles
from pipeline.engine.hearing import Listened
from pipeline.engine.incidents import Incident
from pipeline.engine.leaders import Leader
from pipeline.engine.lifecycle import Found, Lifecycle
from pipeline.engine.listener import Listener
from pipeline.engine.memory import ClusterMemory, EnginePart, Memory, decode
from pipeline.engine.settings import EngineSettings
from pipeline.engine.surroundings import Surroundings
from pipeline.engine.watched import WatchedLog, WatchedLogs

EVALUATE_EVERY = timedelta(seconds=5)
"""Of event time, at least. Incidents carry the time of their records: this sets how late a change is told only."""
EVALUATE_SECONDS_PER_KEY = 0.0005
"""The more keys have failed the longer an evaluation takes (about 60 µs a key), and the rarer it is."""


class Engine:
    """Incidents of any number of clusters. Each origin's events must come in its own order; origins may interleave."""

    def __init__(
        self, settings: EngineSettings, rules: RuleSet, *, evaluate_every: timedelta | None = EVALUATE_EVERY
    ) -> None:
        """Start with nothing known.

        Args:
            settings: what can be set.
            rules: tell what their classes mean and what to do.
            evaluate_every: how often `feed` looks for changes; zero: at every event that may make one; None: only when
                the state needs it, for a caller that wants to know the end of the story and not how it went.
        """
        self._settings = settings
        self._rules = rules
        self._evaluate_every = evaluate_every
        self._clusters: dict[str, _Cluster] = {}
        self._watched = WatchedLogs()

    def watch(self, log: WatchedLog) -> None:
        """Tell that a log is read, which may have no event at all; to be called before its events are fed."""
        self._watched.add(log)

    def feed(self, event: Event) -> list[Incident]:
        """Take one event; returns incidents that changed, in their new revision."""
        if isinstance(event, ErrorNotUnderstood):  # blames nobody
            return []
        return self._cluster(event.origin.cluster).feed(event, self._evaluate_every)

    def hear(self, source: str, origin: Origin, at: datetime, *, is_work: bool) -> list[Incident]:
        """Lines of an origin were read, whether or not they made events; returns the silence that ended by that.

        Args:
            source: where the origin is read, as in the configuration.
            origin: whose lines they are.
            at: the time of the newest.
            is_work: some of them are of a pass or an attempt.
        """
        return self._cluster(origin.cluster).listener.hear(source, origin, at, is_work=is_work)

    def listen(self, listened: Listened) -> list[Incident]:
        """A source was listened to; returns controllers that count as silent from now on, and those heard again."""
        clusters = sorted(self._clusters.items())
        return [change for _, cluster in clusters for change in cluster.listener.listen(listened)]

    def evaluate(self) -> list[Incident]:
        """Look for changes in what was fed since the last time; for a caller whose `feed` does not."""
        return [change for _, cluster in sorted(self._clusters.items()) for change in cluster.evaluate()]

    def advance(self, at: datetime) -> list[Incident]:
        """Time is `at` now, in all clusters; returns incidents that changed."""
        return [change for _, cluster in sorted(self._clusters.items()) for change in cluster.advance(at)]

    def finish(self) -> list[Incident]:
        """The stream has ended: each cluster is advanced to its last record; returns incidents that changed."""
        return [change for _, cluster in sorted(self._clusters.items()) for change in cluster.finish()]

    def incidents(self) -> list[Incident]:
        """All incidents in their newest revision, by opened_at, then id."""
        found = [incident for cluster in self._clusters.values() for incident in cluster.incidents()]
        return sorted(found, key=lambda incident: (incident.opened_at, incident.id))

    def told(self) -> list[Incident]:
        """The incidents that somebody was told of, in their newest facts: merged and withdrawn ones too."""
        return [incident for _, cluster in sorted(self._clusters.items()) for incident in cluster.told()]

    def key_counts(self) -> dict[str, int]:
        """How many keys are remembered, by cluster."""
        return {name: cluster.keys_count for name, cluster in sorted(self._clusters.items())}

    def leaders(self) -> list[Leader]:
        """Who leads, by the Leases of the controllers of all clusters."""
        return sorted(leader for cluster in self._clusters.values() for leader in cluster.listener.leaders())

    def objects(self) -> Iterator[ObjectEvent]:
        """What is known of objects, as events for whoever knows nothing of them yet."""
        for _, cluster in sorted(self._clusters.items()):
            yield from cluster.objects()

    def evicted_count(self) -> int:
        """How much was forgotten for want of room, ever: keys, parts of their history, objects."""
        return sum(cluster.evicted_count for cluster in self._clusters.values())

    def is_storing_due(self) -> bool:
        """Whether time that went on has to be stored, though nothing else changed."""
        return any(cluster.drifts.is_storing_due() for cluster in self._clusters.values())

    def take_changes(self) -> list[EnginePart]:
        """The parts of the state that changed since this was asked the last time, to be stored together."""
        return [part for _, cluster in sorted(self._clusters.items()) for part in cluster.changes.take()]

    def recall(self, parts: Iterable[EnginePart]) -> None:
        """Know again what was stored; to be called before anything is fed.

        Raises:
            msgspec.DecodeError: A part was written by a version that had other parts.
        """
        for part in parts:
            if part.value is not None:
                self._cluster(part.cluster).recall(decode(part.value))
        for cluster in self._clusters.values():
            cluster.changes.take()

    def forget(self, before: datetime) -> None:
        """Forget what was over before a moment, so that the state of a daemon does not grow over months."""
        for _, cluster in sorted(self._clusters.items()):
            cluster.forget(before)
        self._watched.forget(before)

    def _cluster(self, name: str) -> _Cluster:
        cluster = self._clusters.get(name)
        if cluster is None:
            cluster = self._clusters[name] = _Cluster(name, self._settings, self._rules, self._watched)
        return cluster


class _Cluster:
    """One cluster: its state, and the incidents told so far."""

    def __init__(self, name: str, settings: EngineSettings, rules: RuleSet, watched: WatchedLogs) -> None:
        self.lifecycle = Lifecycle(timedelta(seconds=settings.group_wait_seconds))
        self._name = name
        self._settings = settings
        self._rules = rules
        self._state = ClusterState(settings, watched)
        self._now: datetime | None = None
        self._evaluated_at: datetime | None = None
        self._is_dirty = False
        self.listener = Listener(name, self._state, settings)
        self.drifts = Drifts(name, self._state, settings)
        self._analyses = AnalysisWatch(name, self._state, settings)
        self._keepers = Keepers(self._state, self.lifecycle, self.listener, self.drifts, self._analyses)
        self.changes = Changes(name, self._keepers, self._memory)

    @property
    def keys_count(self) -> int:
        return len(self._state.keys)

    @property
    def evicted_count(self) -> int:
        return self._state.evicted_count + self._state.objects.evicted_count

    def _memory(self) -> ClusterMemory:
        unread = dict(self._state.objects.unread)
        return ClusterMemory(self._now, self._is_dirty, self._state.evicted_count, unread, self.drifts.until)

    def recall(self, memory: Memory) -> None:
        if isinstance(memory, ClusterMemory):
            self._now, self._is_dirty = memory.now, memory.is_dirty
            self._state.evicted_count = memory.evicted_count
            self._state.objects.unread.update(memory.unread)
            self.drifts.recall_until(memory.numbers_until)
        else:
            recall_part(memory, self._keepers)

    def objects(self) -> Iterator[ObjectEvent]:
        return self._state.objects.shown(Origin(cluster=self._name))

    def incidents(self) -> list[Incident]:
        return [*self.lifecycle.incidents(), *self.drifts.told(), *self._analyses.told()]

    def told(self) -> list[Incident]:
        return [*self.lifecycle.told(), *self.listener.told(), *self.drifts.told(), *self._analyses.told()]

    def forget(self, before: datetime) -> None:
        self.listener.forget(before)
        self.drifts.forget(before)
        self._analyses.forget(before)
        if self._now is None:
            return
        forget_before(self._state, before, self._now)
        self.lifecycle.settle()
        self.lifecycle.forget(before)

    def feed(self, event: Event, evaluate_every: timedelta | None) -> list[Incident]:
        # A snapshot is taken whenever somebody takes it: only the logs say how far the story has been told.
        if not isinstance(event, ObjectEvent):
            self._now = event.at if self._now is None else max(self._now, event.at)
        self._is_dirty = self._state.feed(event) or self._is_dirty
        self.listener.note(event)
        if not self._is_dirty or self._now is None:
            return []
        return self._evaluate(self._now) if self._is_due(self._now, evaluate_every) else []

    def _is_due(self, now: datetime, evaluate_every: timedelta | None) -> bool:
        if self._state.is_full:
            return True
        if evaluate_every is None:
            return False
        if not evaluate_every or self._evaluated_at is None:
            return True
        pause = max(evaluate_every, timedelta(seconds=EVALUATE_SECONDS_PER_KEY * len(self._state.failed)))
        return now - self._evaluated_at >= pause

    def advance(self, at: datetime) -> list[Incident]:
        self._now = at if self._now is None else max(self._now, at)
        return self._evaluate(self._now, watched_until=at)

    def evaluate(self) -> list[Incident]:
        return self._evaluate(self._now) if self._is_dirty and self._now is not None else []

    def finish(self) -> list[Incident]:
        now = self._now or self._state.objects.newest_at()
        if now is None:
            return []
        changes = self._evaluate(
            now, watched_until=self._state.objects.newest_at() if self.drifts.until is None else None
        )
        return changes + self.lifecycle.flush()

    def _evaluate(self, now: datetime, watched_until: datetime | None = None) -> list[Incident]:
        """Look for changes.

        Args:
            now: how far the logs have told the story.
            watched_until: how far the objects have; None: no further than before.
        """
        self._evaluated_at = now
        self._is_dirty = False
        troubles = find_troubles(self._state, self._settings, now)
        around = Surroundings(self._state, self.lifecycle.incidents())
        found = [
            Found(compose(trouble, around, self._name, self._settings, self._rules, now), trouble.marks)
            for trouble in troubles
        ]
        if self._state.has_forgotten():
            self.lifecycle.settle()
        changes = self.lifecycle.update(found, now)
        watched_until = watched_until or self.drifts.until
        if watched_until is not None:
            changes += self.drifts.update(watched_until, troubles, self.lifecycle.told())
            changes += self._analyses.update(watched_until, troubles, self.lifecycle.told())
        if self._state.is_full:
            self._state.trim({member.key for trouble in troubles if not trouble.ended_at for member in trouble.members})
        return changes
