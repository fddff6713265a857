"""Every input read once, one after the other: its events put aside, and what was read counted."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

import msgspec

from parsers.events import Event
from parsers.failures import FailureFinder
from parsers.records import Origin, Unparsed
from parsers.rules.model import RuleSet
from pipeline.engine.settings import EngineSettings
from pipeline.engine.watched import WatchedLog
from pipeline.errors import InterruptionError
from pipeline.extract import StreamExtractor, read_objects_of, scanner_for
from pipeline.playing import RecordingPlayer
from pipeline.replay_filter import ReplayFilter
from pipeline.snapshot_clusters import SnapshotClusters
from pipeline.sources.files import InputFiles
from pipeline.sources.log_streams import LogStream
from pipeline.sources.object_streams import ObjectStream
from pipeline.sources.recording.reading import RecordingStream
from pipeline.spool import EventSpool, merge_by_time

MAX_SAMPLES = 20
_Piece = TypeVar("_Piece")


class ReadTotals(msgspec.Struct):
    """What was read, over all streams."""

    sources: list[str] = msgspec.field(default_factory=list)
    lines: int = 0
    candidates: int = 0
    records: int = 0
    events: int = 0
    objects: int = 0  # Kubernetes objects and events, in files of their own or in recordings
    object_files: int = 0
    recordings: int = 0
    residue_omitted: int = 0  # errors that no rule knows, beyond the limit of a stream
    unparsed: Counter[str] = msgspec.field(default_factory=Counter)
    unparsed_samples: list[Unparsed] = msgspec.field(default_factory=list)
    first_at: datetime | None = None
    last_at: datetime | None = None
    logs: list[WatchedLog] = msgspec.field(default_factory=list)
    interrupted_by: int | None = None  # the signal that ended the reading

    def add(self, origin: Origin, extractor: StreamExtractor) -> None:
        """Count one stream that was read."""
        self.sources.append(origin.source)
        self.logs.append(extractor.watched(origin))
        self.lines += extractor.lines.total
        self.candidates += extractor.lines.candidates
        records = extractor.records
        self.records += records.records
        self.events += records.events
        self.residue_omitted += extractor.residue_omitted_count
        self.unparsed.update(records.unparsed)
        self.unparsed_samples += records.unparsed_samples[: MAX_SAMPLES - len(self.unparsed_samples)]
        self._note_times(records.first_at, records.last_at)

    def add_recording(self, name: str, player: RecordingPlayer) -> None:
        """Count a recording that was played."""
        self.sources.append(name)
        self.recordings += 1
        self.lines += player.counts.lines
        self.candidates += player.counts.candidates
        self.records += player.counts.candidates
        self.events += player.event_count
        self.objects += player.object_count
        if player.counts.unparsed:
            self.unparsed["of_recordings"] += player.counts.unparsed
        self._note_times(player.first_at, player.last_at)

    def _note_times(self, first_at: datetime | None, last_at: datetime | None) -> None:
        self.first_at = min((at for at in (self.first_at, first_at) if at is not None), default=None)
        self.last_at = max((at for at in (self.last_at, last_at) if at is not None), default=None)


class Spooler:
    """Reads inputs, of whatever kind."""

    def __init__(
        self,
        rules: RuleSet,
        *,
        read_at: datetime,
        year_hint: datetime | None = None,
        on_progress: Callable[[], None] = lambda: None,
        settings: EngineSettings | None = None,
    ) -> None:
        """Prepare.

        Args:
            rules: tell failures.
            settings: of the engine that will be fed; None: none will be.
            read_at: the time of reading.
            year_hint: gives klog times their year.
            on_progress: is called now and then.
        """
        self.totals = ReadTotals()
        self.clusters = SnapshotClusters()
        self._finder = FailureFinder(rules)
        self._scanner = scanner_for(rules, with_residue=True)
        self._read_at = read_at
        self._year_hint = year_hint
        self._on_progress = on_progress
        self._settings = settings

    def spool_all(self, files: InputFiles) -> list[EventSpool]:
        """The events of every stream; after an interruption (Ctrl-C, termination) those that were read until then."""
        spools: list[EventSpool] = []
        undated: list[EventSpool] = []
        try:
            for stream in files.streams():
                spools.append(EventSpool(stream.origin.source))
                match stream:
                    case ObjectStream():
                        self._spool_objects(stream, spools[-1])
                    case RecordingStream():
                        self._spool_recording(stream, spools[-1])
                    case _:
                        self._spool_log(stream, spools[-1], undated)
        except KeyboardInterrupt:
            self.totals.interrupted_by = signal.SIGINT
        except InterruptionError as error:
            self.totals.interrupted_by = error.signal_number
        for spool in undated:  # the time of reading would end what the other logs tell of
            spool.undated_at = self.totals.last_at
        return spools

    def _extractor(self) -> StreamExtractor:
        return StreamExtractor(
            self._scanner, self._finder, read_at=self._read_at, year_hint=self._year_hint, with_residue=True
        )

    def _spool_log(self, stream: LogStream, spool: EventSpool, undated: list[EventSpool]) -> None:
        extractor = self._extractor()
        try:
            self._put(extractor.events(self._watched(stream.blocks())), spool)
        except (KeyboardInterrupt, InterruptionError):
            self._put(extractor.finish(), spool)
            raise
        finally:
            self.totals.add(stream.origin, extractor)
            if extractor.records.first_at is None:
                undated.append(spool)

    def _spool_objects(self, stream: ObjectStream, spool: EventSpool) -> None:
        snapshot = read_objects_of(stream, self._finder, read_at=self._read_at)
        self.totals.sources.append(stream.origin.source)
        self.totals.object_files += 1
        self.totals.objects += len(snapshot.events) + sum(snapshot.unknown.values())
        self._put(snapshot.events, spool)
        self._on_progress()

    def _spool_recording(self, stream: RecordingStream, spool: EventSpool) -> None:
        player = RecordingPlayer(self._extractor, self._finder, stream.origin)
        try:
            for event in player.play(self._watched(stream.records())):
                if event.origin.cluster:  # what names none was joined with none by the daemon
                    self.clusters.note(event)
                spool.put(event)
        finally:
            self.totals.add_recording(stream.origin.source, player)
            for note in (*player.notes(), *self._other_settings(player)):
                stream.note(note)

    def _other_settings(self, player: RecordingPlayer) -> Iterator[str]:
        """Under which settings the daemon has told of incidents, where others are in force here."""
        own = msgspec.json.decode(msgspec.json.encode(self._settings)) if self._settings is not None else {}
        recorded = [msgspec.json.decode(settings) for settings in player.engine_settings]
        names = {name for each in recorded for name, value in each.items() if name in own and own[name] != value}
        if names:
            listed = ", ".join(f"engine.{name}" for name in sorted(names))
            yield f"it was recorded with other settings than are in force here ({listed}): incidents may differ"

    def _put(self, events: Iterable[Event], spool: EventSpool) -> None:
        for event in events:
            self.clusters.note(event)
            spool.put(event)

    def _watched(self, pieces: Iterator[_Piece]) -> Iterator[_Piece]:
        for piece in pieces:
            yield piece
            self._on_progress()

    def merged(self, spools: list[EventSpool], chosen: ReplayFilter) -> Iterator[Event]:
        """The events asked for, by time; the spools are given back at the end."""
        for event in merge_by_time(spools):
            if chosen.takes(event):
                yield self.clusters.assign(event)
        for spool in spools:
            spool.close()
