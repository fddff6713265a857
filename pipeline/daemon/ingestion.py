"""What was read goes into the engine; what changed goes into the store, in one commit.

In memory the state runs ahead of the store. After a commit that failed, or of which nobody knows, it is dropped and
loaded again, and the sources go back to the positions that were stored with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from parsers.events import ErrorNotUnderstood, Event, FailureSeen
from parsers.facts.seen import ObjectEvent, ObjectSeen
from parsers.failures import FailureFinder
from parsers.objects.snapshots import with_failure
from pipeline.daemon.recorder import NoRecorder, Recorder
from pipeline.daemon.streams_over import StreamsOver
from pipeline.daemon.taken import Taken
from pipeline.engine.engine import Engine
from pipeline.engine.hearing import Listened
from pipeline.engine.incidents import Incident
from pipeline.engine.memory import EnginePart
from pipeline.errors import StoreVersionError
from pipeline.extract import StreamExtractor
from pipeline.readers import ReadCounts, StreamReaders, decode_memory, time_heard
from pipeline.sources.live import Fetched, LiveSource
from pipeline.store.records import Area, Commit, Gap, Quarantined, StatePart, StoredPosition
from pipeline.store.store import Snapshot
from pipeline.watch_settings import WatchSettings

_SEPARATOR = "\x1f"
"""Between source and stream in the owner of a part: neither can hold it."""


class Ingestion:
    """The state of all clusters and streams, and what has changed of it since the last commit."""

    def __init__(
        self,
        settings: WatchSettings,
        sources: Mapping[str, LiveSource],
        make_engine: Callable[[], Engine],
        make_extractor: Callable[[], StreamExtractor],
        finder: FailureFinder,
        observer: Taken,
        recorder: Recorder | None = None,
    ) -> None:
        self.engine = make_engine()
        self.lines_taken = 0  # since the last commit
        self._settings = settings
        self._sources = sources
        self._make_engine = make_engine
        self._make_extractor = make_extractor
        self._finder = finder
        self._observer = observer
        self._recorder = recorder or NoRecorder()
        self._streams: dict[tuple[str, str], StreamReaders] = {}
        self._touched: set[tuple[str, str]] = set()  # streams with another position than the stored one
        self._positions: dict[tuple[str, str], tuple[int, bytes]] = {}  # the newest ones: line, and what to store
        self._over = StreamsOver()
        self._changes: list[Incident] = []
        self._quarantined: list[Quarantined] = []
        self._gaps: list[Gap] = []
        self._is_refreshed = False
        self._told: dict[str, Incident] = {}  # newest facts of each incident, as stored

    @property
    def is_changed(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._touched or self._changes or self._quarantined or self._gaps or self._is_refreshed)

    def recall(self, snapshot: Snapshot) -> dict[str, dict[str, bytes]]:
        """Forget everything, go on with what was stored; returns the positions by source and stream.

        Raises:
            StoreVersionError: What was stored is of a version that this one cannot read.
        """
        self.engine = self._make_engine()
        self._streams.clear()
        self._over = StreamsOver()
        self._clear_changes()
        engine_parts: list[EnginePart] = []
        try:
            for part in snapshot.parts:
                if part.area is Area.ENGINE:
                    engine_parts.append(EnginePart(part.owner, part.name, part.value))
                elif part.area is Area.READER and part.value is not None:
                    source, _, stream = part.owner.partition(_SEPARATOR)
                    if source in self._sources:
                        self._stream(source, stream).recall(decode_memory(part.value))
            self.engine.recall(engine_parts)
            for stream_readers in self._streams.values():
                for log in stream_readers.watched():
                    self.engine.watch(log)
        except msgspec.DecodeError as error:
            raise StoreVersionError(
                f"the stored state cannot be read by this version ({error}): run the version that wrote it, or delete "
                "the store and begin anew (docs/store.md)"
            ) from error
        self._told = {incident.id: incident for incident in self.engine.told()}
        self._recorder.resumed(self._streams, self.engine, self._settings)
        positions: dict[str, dict[str, bytes]] = {name: {} for name in self._sources}
        for stored in snapshot.positions:
            if stored.source in positions:
                positions[stored.source][stored.stream] = stored.value
        return positions

    def change(
        self,
        settings: WatchSettings,
        make_engine: Callable[[], Engine],
        make_extractor: Callable[[], StreamExtractor],
        finder: FailureFinder,
    ) -> None:
        """Other settings and rules are in force from the next `recall` on."""
        self._settings = settings
        self._make_engine = make_engine
        self._make_extractor = make_extractor
        self._finder = finder

    def _stream(self, source: str, stream: str) -> StreamReaders:
        if (source, stream) not in self._streams:
            self._streams[source, stream] = StreamReaders(self._make_extractor)
        return self._streams[source, stream]

    def take(self, source: str, fetched: Fetched, at: datetime) -> None:
        """Take in what was read; `at` is the time of reading."""
        self._recorder.read(source, fetched, at)
        self._touched.add((source, fetched.stream))
        self._quarantined += fetched.quarantined
        self._gaps += fetched.gaps
        self.lines_taken += len(fetched.objects) + sum(len(block.line_numbers or ()) for block in fetched.blocks)
        stream = self._stream(source, fetched.stream)
        self._feed(self._with_failures(fetched.objects))
        self._feed(stream.feed(fetched, at))
        written_at = {}
        for log in stream.watched(block.origin for block in fetched.blocks):
            self.engine.watch(log)
            written_at[log.origin] = log.last_at
        for origin, is_work in stream.take_heard().items():
            if self._settings.is_controller(origin):
                heard_at = time_heard(at, written_at.get(origin), fetched.newest_at_seconds)
                self._changes += self.engine.hear(source, origin, heard_at, is_work=is_work)
        place = source, fetched.stream
        # Now: a topic may be made anew before the commit, and this is a place in the old one.
        self._positions[place] = stream.position(), self._position_of(place, stream.position())
        if fetched.is_over:
            self._over.add(place)
            self._release(place, stream, at, timedelta(days=-36_500))

    def _position_of(self, place: tuple[str, str], line: int) -> bytes:
        return self._sources[place[0]].position(place[1], line)

    def set_aside(self, record: Quarantined) -> None:
        """Pass over a record that whystuck fails on."""
        self._quarantined.append(record)
        place, now = (record.source, record.stream), datetime.now(UTC)
        self._touched.add(place)
        stream = self._stream(*place)
        passed = Fetched(record.stream, (), record.last + 1, quarantined=(record,))
        self._recorder.read(record.source, passed, now)
        self._feed(stream.feed(passed, now))
        self._positions[place] = stream.position(), self._position_of(place, stream.position())

    def release_idle(self, at: datetime, behind: Iterable[tuple[str, str]] = ()) -> None:
        """Decide upon what was held back in streams that are silent, and not behind."""
        idle = timedelta(seconds=self._settings.idle_seconds)
        waiting = set(behind)
        for place, stream in self._streams.items():
            if place not in waiting:
                self._release(place, stream, at, idle)

    def release_all(self, at: datetime) -> None:
        """Decide upon everything that was held back, whoever may still write."""
        for place, stream in self._streams.items():
            self._release(place, stream, at, timedelta(days=-36_500))

    def _release(self, place: tuple[str, str], stream: StreamReaders, at: datetime, idle: timedelta) -> None:
        before = stream.position()
        if self._feed(stream.release_idle(at, idle)) or stream.position() != before:
            self._recorder.released(place, stream.position(), at, idle)
        if stream.position() != before:
            self._touched.add(place)
            self._positions[place] = stream.position(), self._position_of(place, stream.position())

    def listen(self, listened: Listened) -> None:
        """A source was listened to."""
        self._changes += self.engine.listen(listened)

    def evaluate(self) -> None:
        """Look for incidents in what was taken in."""
        self._changes += self.engine.evaluate()
        self._recorder.evaluated(self.engine)
        self._note_refreshed()

    def advance(self, at: datetime) -> None:
        """Time is `at` now, wherever nothing was read."""
        self._changes += self.engine.advance(at)
        self._recorder.evaluated(self.engine, at)
        self._note_refreshed()

    def forget(self, before: datetime) -> None:
        """Forget what was over before a moment, streams included."""
        self._recorder.forgot(before)
        self.engine.forget(before)
        self._touched |= self._over.forget(before, self._streams)

    def finish(self, at: datetime) -> None:
        """Everything was read that ever will be."""
        self.release_all(at)
        self._recorder.finished(at)
        self._changes += self.engine.finish()
        self._note_refreshed()

    def _note_refreshed(self) -> None:
        """Facts of an incident may be newer, or a hold time went on, and nothing was read."""
        is_newer = any(self._told.get(one.id) is not one for one in self.engine.told())
        self._is_refreshed = is_newer or self.engine.is_storing_due()

    def _with_failures(self, objects: Iterable[ObjectEvent]) -> Iterator[Event]:
        for event in objects:
            yield with_failure(event, self._finder) if isinstance(event, ObjectSeen) else event

    def _feed(self, events: Iterable[Event]) -> int:
        """Feed the engine; says how many events there were."""
        count = 0
        for event in events:
            count += 1
            if not isinstance(event, FailureSeen | ErrorNotUnderstood | ObjectEvent) and not (
                self._settings.is_controller(event.origin)
            ):
                self._observer.refused(event)
                continue
            self._observer.event(event)
            self._changes += self.engine.feed(event)
        return count

    def prepare_commit(self, at: datetime) -> Commit:
        """What has to be written; the engine counts it as written from now on."""
        parts = [StatePart(Area.ENGINE, part.cluster, part.name, part.value) for part in self.engine.take_changes()]
        positions = []
        for source, stream in sorted(self._touched):
            readers = self._streams[source, stream]
            owner = f"{source}{_SEPARATOR}{stream}"
            is_over = (source, stream) in self._over.dropped
            changes = readers.forget() if is_over else readers.take_changes()
            parts += [StatePart(Area.READER, owner, name, value) for name, value in changes]
            if not is_over:
                place = self._position_of((source, stream), readers.position())
                positions.append(StoredPosition(source, stream, place))
        written = {**self._told, **{incident.id: incident for incident in self._changes}}
        now = {incident.id: incident for incident in self.engine.told()}
        refreshed = [incident for name, incident in now.items() if written.get(name) is not incident]
        self._told = now
        self._recorder.prepared(self._changes)
        return Commit(
            at=at,
            parts=tuple(parts),
            positions=tuple(positions),
            over=tuple(sorted(self._over.dropped)),
            incidents=tuple(self._changes),
            unnotified=frozenset(one.id for one in self._changes if self._is_old(one, at)),
            refreshed=tuple(refreshed),
            quarantined=tuple(self._quarantined),
            gaps=tuple(self._gaps),
        )

    def _is_old(self, incident: Incident, at: datetime) -> bool:
        return (at - incident.updated_at).total_seconds() > self._settings.notify_max_age_seconds

    def committed(self) -> dict[str, dict[str, int]]:
        """What was prepared is in the store; returns the next line of each stream that moved, by source."""
        lines: dict[str, dict[str, int]] = {}
        counts = ReadCounts()
        for source, stream in self._touched:
            lines.setdefault(source, {})[stream] = self._positions[source, stream][0]
            counts.add(self._streams[source, stream].take_counts())
        for place in self._over.take_dropped():
            del self._streams[place], self._positions[place]
        self._observer.lines(counts)
        self._recorder.committed()
        self._clear_changes()
        return lines

    def _clear_changes(self) -> None:
        self._touched.clear()
        self._changes.clear()
        self._quarantined.clear()
        self._gaps.clear()
        self._is_refreshed = False
        self.lines_taken = 0
