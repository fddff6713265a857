"""Replay: archived logs in, incidents out. A thin caller of the extractor and the engine, which the daemon shares."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from parsers.events import Event, ObjectKey
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.seen import ObjectSeen
from parsers.facts.workloads import ReplicaSetFacts
from parsers.failures import FailureFinder
from parsers.records import Block, Origin, Unparsed
from parsers.rules.model import RuleSet
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Coverage, Incident
from pipeline.engine.settings import EngineSettings
from pipeline.engine.watched import WatchedLog
from pipeline.errors import InterruptionError
from pipeline.extract import StreamExtractor, read_objects_of, scanner_for
from pipeline.snapshot_clusters import SnapshotClusters
from pipeline.sources.files import InputFiles
from pipeline.sources.object_streams import ObjectStream
from pipeline.spool import EventSpool, merge_by_time
from pipeline.statistics.collector import StatisticsCollector
from pipeline.statistics.rows import Statistics
from pipeline.templates import Residue, TemplateCollector

MAX_SAMPLES = 20


class ReplayFilter(msgspec.Struct, frozen=True):
    """Which events are looked at."""

    since: datetime | None = None
    until: datetime | None = None
    namespaces: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()  # ns/name, with or without the kind before it

    def takes(self, event: Event) -> bool:
        """Whether the event passes."""
        if self.since is not None and event.at < self.since and not _is_state(event):
            return False
        if self.until is not None and event.at > self.until:
            return False
        key = _key_of(event)
        if key is None:
            return True
        if self.namespaces and not any(fnmatchcase(key.namespace, pattern) for pattern in self.namespaces):
            return False
        return not self.keys or str(key) in self.keys or f"{key.namespace}/{key.name}" in self.keys

    def part_of(self, log: WatchedLog) -> WatchedLog:
        """The part of a log that passes."""
        first_at, last_at = log.first_at, log.last_at
        if self.since is not None:
            first_at = max(first_at, self.since) if first_at is not None else self.since
        if self.until is not None and last_at is not None:
            last_at = min(last_at, self.until)
        return WatchedLog(log.origin, first_at, last_at)

    def time_covered(self, totals: ReadTotals) -> tuple[datetime | None, datetime | None]:
        """First and last time of what was read and passes."""
        first_at, last_at = totals.first_at, totals.last_at
        if self.since is not None and first_at is not None:
            first_at = max(first_at, self.since)
        if self.until is not None and last_at is not None:
            last_at = min(last_at, self.until)
        return first_at, last_at


def _is_state(event: Event) -> bool:
    """Whether it stays true until it is seen again: an object, but not what happened to it."""
    return isinstance(event, ObjectSeen) and not isinstance(event.facts, KubernetesEventFacts)


def _key_of(event: Event) -> ObjectKey | None:
    """Whose event it is: a Rollout that is not asked for must not become a victim by its objects either."""
    if not isinstance(event, ObjectSeen):
        return getattr(event, "key", None)
    ref = event.facts.ref
    match event.facts:
        case ReplicaSetFacts(owner=owner) if owner is not None:
            ref = owner
        case KubernetesEventFacts(involved=involved):
            ref = involved
    return ObjectKey("rollout", ref.namespace, ref.name) if ref.kind == "Rollout" else None


class ReadTotals(msgspec.Struct):
    """What was read, over all streams."""

    sources: list[str] = msgspec.field(default_factory=list)
    lines: int = 0
    candidates: int = 0
    records: int = 0
    events: int = 0
    objects: int = 0  # Kubernetes objects and events, in files of their own
    object_files: int = 0
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
        first = [at for at in (self.first_at, records.first_at) if at is not None]
        last = [at for at in (self.last_at, records.last_at) if at is not None]
        self.first_at = min(first, default=None)
        self.last_at = max(last, default=None)


class ReplayResult(msgspec.Struct, frozen=True):
    """Incidents in their final state, sorted by opened_at then id, what was read, and what was not understood."""

    incidents: tuple[Incident, ...]
    totals: ReadTotals
    residue: Residue = Residue()
    statistics: Statistics | None = None  # None: nobody asked for them


def replay(
    files: InputFiles,
    settings: EngineSettings,
    rules: RuleSet,
    *,
    read_at: datetime,
    year_hint: datetime | None = None,
    chosen: ReplayFilter | None = None,
    on_progress: Callable[[], None] = lambda: None,
    with_statistics: bool = False,
) -> ReplayResult:
    """Read all logs and find their incidents. An interruption (Ctrl-C) ends the reading, not the finding."""
    totals = ReadTotals()
    taken = chosen or ReplayFilter()
    clusters = SnapshotClusters()
    spools = _spool_all(files, rules, totals, clusters, read_at=read_at, year_hint=year_hint, on_progress=on_progress)
    engine = Engine(settings, rules, evaluate_every=None)  # only the end of the story is asked for
    for log in totals.logs:
        engine.watch(taken.part_of(log))
    templates, sums = TemplateCollector(), StatisticsCollector()
    for event in _merged(spools, taken, clusters):
        engine.feed(event)
        templates.add(event)
        if with_statistics:
            sums.add(event)
    engine.finish()
    coverage = _coverage(files, totals, clusters)
    incidents = tuple(_covered(incident, coverage) for incident in engine.incidents())
    first_at, last_at = taken.time_covered(totals)
    residue = templates.residue(first_at, last_at, omitted_count=totals.residue_omitted)
    return ReplayResult(
        incidents=incidents,
        totals=totals,
        residue=residue,
        statistics=sums.statistics(incidents, residue, first_at=first_at, last_at=last_at) if with_statistics else None,
    )


def find_residue(
    files: InputFiles,
    rules: RuleSet,
    *,
    read_at: datetime,
    year_hint: datetime | None = None,
    chosen: ReplayFilter | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> tuple[Residue, ReadTotals]:
    """Read all logs for the errors that no rule knows; no incidents are formed."""
    totals = ReadTotals()
    taken = chosen or ReplayFilter()
    clusters = SnapshotClusters()
    spools = _spool_all(files, rules, totals, clusters, read_at=read_at, year_hint=year_hint, on_progress=on_progress)
    templates = TemplateCollector()
    for event in _merged(spools, taken, clusters):
        templates.add(event)
    return templates.residue(*taken.time_covered(totals), omitted_count=totals.residue_omitted), totals


def _spool_all(
    files: InputFiles,
    rules: RuleSet,
    totals: ReadTotals,
    clusters: SnapshotClusters,
    *,
    read_at: datetime,
    year_hint: datetime | None,
    on_progress: Callable[[], None],
) -> list[EventSpool]:
    """The events of every stream; after an interruption (Ctrl-C, termination) those that were read until then."""
    finder = FailureFinder(rules)
    scanner = scanner_for(rules, with_residue=True)
    spools: list[EventSpool] = []
    undated: list[EventSpool] = []
    try:
        for stream in files.streams():
            name = stream.origin.source
            if isinstance(stream, ObjectStream):
                spools.append(_spool_objects(stream, finder, totals, read_at, clusters))
                on_progress()
                continue
            extractor = StreamExtractor(scanner, finder, read_at=read_at, year_hint=year_hint, with_residue=True)
            spools.append(EventSpool(name))
            try:
                _spool(extractor, _watched(stream.blocks(), on_progress), spools[-1], clusters)
            finally:
                totals.add(stream.origin, extractor)
                if extractor.records.first_at is None:
                    undated.append(spools[-1])
    except KeyboardInterrupt:
        totals.interrupted_by = signal.SIGINT
    except InterruptionError as error:
        totals.interrupted_by = error.signal_number
    for spool in undated:  # the time of reading would end what the other logs tell of
        spool.undated_at = totals.last_at
    return spools


def _spool(extractor: StreamExtractor, blocks: Iterator[Block], spool: EventSpool, clusters: SnapshotClusters) -> None:
    try:
        for event in extractor.events(blocks):
            clusters.note(event)
            spool.put(event)
    except (KeyboardInterrupt, InterruptionError):
        for event in extractor.finish():
            clusters.note(event)
            spool.put(event)
        raise


def _spool_objects(
    stream: ObjectStream, finder: FailureFinder, totals: ReadTotals, read_at: datetime, clusters: SnapshotClusters
) -> EventSpool:
    name = stream.origin.source
    snapshot = read_objects_of(stream, finder, read_at=read_at)
    totals.sources.append(name)
    totals.object_files += 1
    totals.objects += len(snapshot.events) + sum(snapshot.unknown.values())
    spool = EventSpool(name)
    for event in snapshot.events:
        clusters.note(event)
        spool.put(event)
    return spool


def _watched(blocks: Iterator[Block], on_progress: Callable[[], None]) -> Iterator[Block]:
    for block in blocks:
        yield block
        on_progress()


def _merged(spools: list[EventSpool], chosen: ReplayFilter, clusters: SnapshotClusters) -> Iterator[Event]:
    """The events asked for, by time; the spools are given back at the end."""
    for event in merge_by_time(spools):
        if chosen.takes(event):
            yield clusters.assign(event)
    for spool in spools:
        spool.close()


def _coverage(files: InputFiles, totals: ReadTotals, clusters: SnapshotClusters) -> Coverage:
    return Coverage(
        sources=tuple(sorted(totals.sources)[:100]),
        lines_read=totals.lines,
        lines_unparsed=sum(totals.unparsed.values()),
        first_at=totals.first_at,
        last_at=totals.last_at,
        not_read=tuple(sorted([*map(str, files.problems), *clusters.problems()])[:100]),
    )


def _covered(incident: Incident, coverage: Coverage) -> Incident:
    """The incident with what was read; what objects could not be read when they were recorded is not read either."""
    not_read = tuple(dict.fromkeys([*incident.coverage.not_read, *coverage.not_read]))
    return msgspec.structs.replace(incident, coverage=msgspec.structs.replace(coverage, not_read=not_read))
