"""Replay: archived logs in, incidents out. A thin caller of the extractor and the engine, which the daemon shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from parsers.events import Event, ObjectKey
from parsers.failures import FailureFinder
from parsers.object_facts import ObjectSeen
from parsers.records import Block, Unparsed
from parsers.rules.model import RuleSet
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Coverage, Incident
from pipeline.engine.settings import EngineSettings
from pipeline.extract import StreamExtractor, read_objects_of, scanner_for
from pipeline.sources.files import InputFiles
from pipeline.sources.object_streams import ObjectStream
from pipeline.spool import EventSpool, merge_by_time

MAX_SAMPLES = 20


class ReplayFilter(msgspec.Struct, frozen=True):
    """Which events are looked at."""

    since: datetime | None = None
    until: datetime | None = None
    namespaces: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()  # ns/name, with or without the kind before it

    def takes(self, event: Event) -> bool:
        """Whether the event passes."""
        is_state = isinstance(event, ObjectSeen)  # what was seen of an object stays true until it is seen again
        if self.since is not None and event.at < self.since and not is_state:
            return False
        if self.until is not None and event.at > self.until:
            return False
        key: ObjectKey | None = getattr(event, "key", None)
        if key is None:
            return True
        if self.namespaces and not any(fnmatchcase(key.namespace, pattern) for pattern in self.namespaces):
            return False
        return not self.keys or str(key) in self.keys or f"{key.namespace}/{key.name}" in self.keys


class ReadTotals(msgspec.Struct):
    """What was read, over all streams."""

    sources: list[str] = msgspec.field(default_factory=list)
    lines: int = 0
    candidates: int = 0
    records: int = 0
    events: int = 0
    objects: int = 0
    unparsed: Counter[str] = msgspec.field(default_factory=Counter)
    unparsed_samples: list[Unparsed] = msgspec.field(default_factory=list)
    first_at: datetime | None = None
    last_at: datetime | None = None
    was_interrupted: bool = False

    def add(self, name: str, extractor: StreamExtractor) -> None:
        """Count one stream that was read."""
        self.sources.append(name)
        self.lines += extractor.lines.total
        self.candidates += extractor.lines.candidates
        records = extractor.records
        self.records += records.records
        self.events += records.events
        self.unparsed.update(records.unparsed)
        self.unparsed_samples += records.unparsed_samples[: MAX_SAMPLES - len(self.unparsed_samples)]
        first = [at for at in (self.first_at, records.first_at) if at is not None]
        last = [at for at in (self.last_at, records.last_at) if at is not None]
        self.first_at = min(first, default=None)
        self.last_at = max(last, default=None)


class ReplayResult(msgspec.Struct, frozen=True):
    """Incidents in their final state, sorted by opened_at then id, and what was read."""

    incidents: tuple[Incident, ...]
    totals: ReadTotals


def replay(
    files: InputFiles,
    settings: EngineSettings,
    rules: RuleSet,
    *,
    read_at: datetime,
    year_hint: datetime | None = None,
    chosen: ReplayFilter | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> ReplayResult:
    """Read all logs and find their incidents. An interruption (Ctrl-C) ends the reading, not the finding."""
    totals = ReadTotals()
    finder = FailureFinder(rules)
    scanner = scanner_for(rules)
    spools: list[EventSpool] = []
    try:
        for stream in files.streams():
            name = stream.origin.source
            if isinstance(stream, ObjectStream):
                spools.append(_spool_objects(stream, totals, read_at))
                on_progress()
                continue
            extractor = StreamExtractor(scanner, finder, read_at=read_at, year_hint=year_hint)
            spools.append(EventSpool(name))
            try:
                for event in extractor.events(_watched(stream.blocks(), on_progress)):
                    spools[-1].put(event)
            finally:
                totals.add(name, extractor)
    except KeyboardInterrupt:
        totals.was_interrupted = True
    incidents = _correlate(spools, settings, rules, chosen or ReplayFilter())
    coverage = _coverage(files, totals)
    return ReplayResult(
        incidents=tuple(msgspec.structs.replace(incident, coverage=coverage) for incident in incidents), totals=totals
    )


def _spool_objects(stream: ObjectStream, totals: ReadTotals, read_at: datetime) -> EventSpool:
    name = stream.origin.source
    snapshot = read_objects_of(stream, read_at=read_at)
    totals.sources.append(name)
    totals.objects += len(snapshot.events) + sum(snapshot.unknown.values())
    spool = EventSpool(name)
    for event in snapshot.events:
        spool.put(event)
    return spool


def _watched(blocks: Iterator[Block], on_progress: Callable[[], None]) -> Iterator[Block]:
    for block in blocks:
        yield block
        on_progress()


def _correlate(
    spools: list[EventSpool], settings: EngineSettings, rules: RuleSet, chosen: ReplayFilter
) -> list[Incident]:
    engine = Engine(settings, rules)
    for event in merge_by_time(spools):
        if chosen.takes(event):
            engine.feed(event)
    engine.finish()
    for spool in spools:
        spool.close()
    return engine.incidents()


def _coverage(files: InputFiles, totals: ReadTotals) -> Coverage:
    return Coverage(
        sources=tuple(totals.sources[:100]),
        lines_read=totals.lines,
        lines_unparsed=sum(totals.unparsed.values()),
        first_at=totals.first_at,
        last_at=totals.last_at,
        not_read=tuple(str(problem) for problem in files.problems[:100]),
    )
