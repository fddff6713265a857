"""Failures without a key: of the controller itself, and of other components. Each origin is fed in its own order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from parsers.events import Event, FailureSeen, ObjectKey
from parsers.records import Origin
from pipeline.engine.settings import EngineSettings
from pipeline.engine.tallies import Sighting, Tally, signature_of

MAX_SEEN = 2_000
MIN_REPEATS = 3
SPACED_TIMES = 32
MAX_KEYS = 50
OBJECT_CARRIER = "object"
"""What an object says went wrong, in the place of a line."""
LOST_AFTER = timedelta(seconds=30)
"""A lease that is lost so soon after a call for it failed is lost because of that."""


class SeenFailure(msgspec.Struct):
    """A failure without a key, of one origin: how often it was met without a long pause."""

    origin: Origin
    carrier: str
    tally: Tally
    ends_process: bool = False
    longest_gap_seconds: float = 0.0
    worked_at: datetime | None = None  # the first sign of life of its process afterwards
    lost_at: datetime | None = None  # when the process lost its lease because of it, the first time
    first_times: list[datetime] = msgspec.field(default_factory=list)  # of the first MIN_REPEATS sightings
    spaced_times: list[datetime] = msgspec.field(default_factory=list)  # some of those until it has lasted
    keys: list[ObjectKey] = msgspec.field(default_factory=list)  # whose analysis failed by it, the first MAX_KEYS

    def note(self, at: datetime, lasting: timedelta) -> None:
        """Remember a time by which it is told, later on, when it began to matter: always the same answer."""
        if len(self.first_times) < MIN_REPEATS:
            self.first_times.append(at)
        spaced = self.spaced_times
        if not spaced or (spaced[-1] - spaced[0] < lasting and at - spaced[-1] >= lasting / SPACED_TIMES):
            spaced.append(at)

    def note_key(self, event: FailureSeen) -> None:
        """Remember whose an object's failure is; that of a line stands in the line."""
        if event.key is None or self.carrier != OBJECT_CARRIER:
            return
        if event.key not in self.keys and len(self.keys) < MAX_KEYS:
            self.keys.append(event.key)


_Place = tuple[Origin, str, str]


class SeenFailures:
    """All of them, by origin, carrier and what they say; after a long pause the same one is trouble of its own."""

    def __init__(self, settings: EngineSettings) -> None:
        self.evicted_count = 0
        self._settings = settings
        self._lasting = timedelta(seconds=settings.controller_seconds)
        self._by_episode: dict[tuple[_Place, int], SeenFailure] = {}
        self._episodes: dict[_Place, int] = {}  # the newest one
        self._unanswered: dict[Origin, list[SeenFailure]] = {}  # without a sign of life since

    def __iter__(self) -> Iterator[SeenFailure]:
        return iter(self._by_episode.values())

    def __len__(self) -> int:
        return len(self._by_episode)

    def episodes(self) -> Iterator[tuple[int, SeenFailure]]:
        """All of them, with the number of the episode."""
        return ((episode, known) for (_, episode), known in self._by_episode.items())

    def recall(self, episode: int, known: SeenFailure) -> None:
        """Know a failure again."""
        place = (known.origin, known.carrier, signature_of(known.tally.failure))
        self._by_episode[(place, episode)] = known
        self._episodes[place] = max(episode, self._episodes.get(place, 0))
        if known.worked_at is None:
            self._unanswered.setdefault(known.origin, []).append(known)

    def forget(self, before: datetime) -> None:
        """Forget those that were met for the last time before a moment."""
        for place, episode in [one for one, known in self._by_episode.items() if known.tally.last.at < before]:
            self._drop(place, episode)

    def feed(self, event: FailureSeen) -> None:
        """Count a failure."""
        place = (event.origin, event.carrier, signature_of(event.failure))
        seen = Sighting(event.at, event.origin, event.line)
        episode = self._episodes.get(place, 0)
        known = self._by_episode.get((place, episode))
        gap = (event.at - known.tally.last.at).total_seconds() if known is not None else 0.0
        if known is None or gap > self._settings.reopen_seconds:
            known = SeenFailure(event.origin, event.carrier, Tally.of(event.failure, seen), event.ends_process)
            known.note(event.at, self._lasting)
            known.note_key(event)
            self._episodes[place] = episode + 1
            self._by_episode[(place, episode + 1)] = known
            self._unanswered.setdefault(event.origin, []).append(known)
            self._make_room()
            return
        if known.worked_at is not None:
            known.worked_at = None
            self._unanswered.setdefault(event.origin, []).append(known)
        known.longest_gap_seconds = max(known.longest_gap_seconds, gap)
        known.tally.add(event.failure, seen)
        known.note(event.at, self._lasting)
        known.note_key(event)
        known.ends_process = known.ends_process or event.ends_process

    def note_sign_of_life(self, event: Event) -> None:
        """The origin's process works: it syncs, or it leads."""
        for known in self._unanswered.pop(event.origin, ()):
            known.worked_at = event.at

    def note_loss(self, event: Event) -> None:
        """The origin's process has lost its lease, or ends."""
        for known in self._unanswered.get(event.origin, ()):
            if known.carrier == "lease" and event.at - known.tally.last.at <= LOST_AFTER:
                known.lost_at = known.lost_at or event.at

    def _make_room(self) -> None:
        """Forget the failure that was met the longest time ago."""
        if len(self._by_episode) <= MAX_SEEN:
            return
        place, episode = min(self._by_episode, key=lambda one: self._by_episode[one].tally.last)
        self._drop(place, episode)
        self.evicted_count += 1

    def _drop(self, place: _Place, episode: int) -> None:
        known = self._by_episode.pop((place, episode))
        if self._episodes.get(place) == episode:
            del self._episodes[place]
        unanswered = self._unanswered.get(known.origin, [])
        self._unanswered[known.origin] = [one for one in unanswered if one is not known]
