"""A recording played again: the events that the daemon fed its engine, and what it asked of it, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

import msgspec

from parsers.events import ErrorNotUnderstood, Event, FailureSeen
from parsers.facts.seen import ObjectEvent, ObjectSeen
from parsers.failures import FailureFinder
from parsers.objects.snapshots import with_failure
from parsers.records import Origin
from pipeline.engine.incidents import Incident
from pipeline.engine.watched import WatchedLog
from pipeline.extract import StreamExtractor
from pipeline.moments import (
    LONG_AGO,
    ControllerHeard,
    IncidentsLookedFor,
    LogWatched,
    SilenceNoticed,
    StateForgotten,
    StoryFinished,
)
from pipeline.readers import ReadCounts, StreamReaders, time_heard
from pipeline.sources.live import Fetched
from pipeline.sources.recording.lines import block_of
from pipeline.sources.recording.records import (
    AnyRecord,
    Committed,
    Continued,
    Evaluated,
    Finished,
    Forgot,
    Read,
    Released,
    Resumed,
    SilenceTold,
    Standing,
)

_EVERYBODY = timedelta(days=-36_500)
"""However short the time for which an origin was silent."""
_Place = tuple[str, str]
"""A source and its stream."""


class RecordingPlayer:
    """Plays one recording."""

    def __init__(self, make_extractor: Callable[[], StreamExtractor], finder: FailureFinder, origin: Origin) -> None:
        """Prepare.

        Args:
            make_extractor: makes what takes lines apart.
            finder: takes apart what objects say about failures.
            origin: of the recording itself.
        """
        self.counts = ReadCounts()
        self.object_count = 0
        self.event_count = 0
        self.first_at: datetime | None = None  # of what the lines tell
        self.last_at: datetime | None = None
        self.lost_count = 0  # gaps of the sources
        self.set_aside_count = 0  # records that the daemon set aside
        self.unrecorded_count = 0  # streams that were read while nobody recorded, or before
        self.is_part_alone = False  # it goes on from a file that is not there
        self.engine_settings: set[bytes] = set()  # JSON of those that were in force
        self._make_extractor = make_extractor
        self._finder = finder
        self._origin = origin
        self._streams: dict[_Place, StreamReaders] = {}
        self._over: set[_Place] = set()  # streams of which nothing more will come
        self._controllers: tuple[Origin, ...] = ()
        self._newest_at = LONG_AGO  # time of reading
        self._has_stood = False  # it is known where the daemon stood

    def play(self, records: Iterable[AnyRecord]) -> Iterator[Event]:
        """Events and moments of the recording."""
        for record in records:
            yield from self._play(record)
        for place in list(self._streams):
            yield from self._release(place, self._newest_at, _EVERYBODY)
        self._count_lines()

    def _play(self, record: AnyRecord) -> Iterator[Event]:
        match record:
            case Read():
                yield from self._read(record)
            case Released():
                idle = timedelta(seconds=record.idle_seconds)
                yield from self._release((record.source, record.stream), record.at, idle)
            case Evaluated():
                at = record.advanced_to or LONG_AGO
                yield IncidentsLookedFor(at, self._origin, 0, record.advanced_to)
            case SilenceTold():
                yield self._silence(record.incident)
            case Forgot():
                yield StateForgotten(record.before, self._origin, 0)
            case Finished():
                yield StoryFinished(LONG_AGO, self._origin, 0)
            case Committed():
                self._make_room()
            case Resumed():
                yield from self._resume(record)
            case Continued():
                yield from self._continue(record)
            case _:
                return

    def _continue(self, continued: Continued) -> Iterator[Event]:
        """Behind the file before there is nothing to do; without it what is known of objects has to be told."""
        if self._has_stood and self._stands_at(continued):
            return
        self.is_part_alone = True
        yield from self._resume(continued, is_counted=False)
        yield from self._taken(self._with_failures(continued.objects))

    def _stands_at(self, record: Standing) -> bool:
        return not any(self._is_unknown(*place) for place in _lines_of(record))

    def _is_unknown(self, place: _Place, line: int) -> bool:
        """Whether lines before this one were not read here."""
        known = self._streams.get(place)
        return known.next_line != line if known is not None else place not in self._over

    def _resume(self, resumed: Standing, *, is_counted: bool = True) -> Iterator[Event]:
        """What the daemon does with what it has stored."""
        self._has_stood = True
        self._controllers = resumed.controllers
        self.engine_settings.add(bytes(resumed.engine))
        if is_counted:
            self.unrecorded_count += sum(self._is_unknown(*place) for place in _lines_of(resumed))
        self._count_lines()
        self._streams = {place: stream.begun_again() for place, stream in self._streams.items()}
        yield from map(self._silence, resumed.silences)

    def _silence(self, incident: Incident) -> SilenceNoticed:
        return SilenceNoticed(incident.updated_at, self._origin, 0, incident)

    def _make_room(self) -> None:
        """Forget what nobody will ask for again: pods come and go."""
        for place in self._over & self._streams.keys():
            self.counts.add(self._streams.pop(place).take_counts())
        for stream in self._streams.values():
            stream.make_room()

    def _read(self, read: Read) -> Iterator[Event]:
        self.lost_count += len(read.gaps)
        self.set_aside_count += len(read.quarantined)
        self.object_count += len(read.objects)
        self._newest_at = max(self._newest_at, read.at)
        stream = self._stream_of(read)
        blocks = tuple(map(block_of, read.blocks))
        yield from self._taken(self._with_failures(read.objects))
        yield from self._taken(stream.feed(Fetched(read.stream, blocks, read.next_line), read.at))
        written_at = {}
        for log in stream.watched(block.origin for block in blocks):
            self._note_time(log)
            written_at[log.origin] = log.last_at
            yield LogWatched(LONG_AGO, log.origin, 0, log.first_at, log.last_at)
        for origin, is_work in stream.take_heard().items():
            if self._is_controller(origin):
                heard_at = time_heard(read.at, written_at.get(origin), read.newest_at_seconds)
                yield ControllerHeard(LONG_AGO, origin, 0, read.source, heard_at, is_work)
        if read.is_over:
            yield from self._release((read.source, read.stream), read.at, _EVERYBODY)

    def _stream_of(self, read: Read) -> StreamReaders:
        place = read.source, read.stream
        if read.is_over:
            self._over.add(place)
        if place not in self._streams:
            self._streams[place] = StreamReaders(self._make_extractor)
        return self._streams[place]

    def _release(self, place: _Place, at: datetime, idle: timedelta) -> Iterator[Event]:
        stream = self._streams.get(place)
        if stream is not None:
            yield from self._taken(stream.release_idle(at, idle))

    def _count_lines(self) -> None:
        for stream in self._streams.values():
            self.counts.add(stream.take_counts())

    def _with_failures(self, objects: Iterable[ObjectEvent]) -> Iterator[Event]:
        for event in objects:
            yield with_failure(event, self._finder) if isinstance(event, ObjectSeen) else event

    def _taken(self, events: Iterable[Event]) -> Iterator[Event]:
        """Those that the daemon took: other pods than controllers can print any line."""
        for event in events:
            if isinstance(event, FailureSeen | ErrorNotUnderstood | ObjectEvent) or self._is_controller(event.origin):
                self.event_count += not isinstance(event, ObjectEvent)
                yield event

    def _is_controller(self, origin: Origin) -> bool:
        return not self._controllers or any(_matches(origin, pattern) for pattern in self._controllers)

    def _note_time(self, log: WatchedLog) -> None:
        first = [at for at in (self.first_at, log.first_at) if at is not None]
        last = [at for at in (self.last_at, log.last_at) if at is not None]
        self.first_at, self.last_at = min(first, default=None), max(last, default=None)

    def notes(self) -> Iterator[str]:
        """What somebody who reads the result has to know, in sentences."""
        if self.is_part_alone:
            yield (
                "a file before it is missing: of what was known from there only the objects are in it; "
                "give both to one replay"
            )
        if self.unrecorded_count:
            streams = _count(self.unrecorded_count, "stream")
            yield f"{streams} had been read before without being recorded: what was known from there is not in it"
        if self.lost_count:
            yield f"{_count(self.lost_count, 'gap')} in what was read: the sources no longer had it"
        if self.set_aside_count:
            yield f"{_count(self.set_aside_count, 'record')} of the sources had been set aside by the daemon"


def _lines_of(record: Standing) -> Iterator[tuple[_Place, int]]:
    """The line behind the last committed one of each stream."""
    for source, lines in record.next_lines.items():
        for stream, line in lines.items():
            yield (source, stream), line


def _matches(origin: Origin, pattern: Origin) -> bool:
    pairs = zip(msgspec.structs.astuple(origin), msgspec.structs.astuple(pattern), strict=True)
    return all(fnmatchcase(text, shell_pattern) for text, shell_pattern in pairs)


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
