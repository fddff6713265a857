"""Classification: every line that a rule recognises, with its class and the facts in it. No incidents are formed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from parsers.clock_offset import with_clock_offset
from parsers.controller import ControllerLine, LineKind, read_controller_line, replica_failure_of
from parsers.events import CertificateFacts, Failure
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectSeen
from parsers.failures import FailureFinder
from parsers.lines import LineAssembler
from parsers.objects.snapshots import with_failure
from parsers.parse import parse_line
from parsers.prefilter import Scanner
from parsers.records import Block, LogRecord, Origin, SourceLine, Unparsed
from parsers.rules.model import RuleSet
from parsers.unknown import unknown_failure
from pipeline.extract import read_objects_of, scanner_for
from pipeline.readers import MAX_READERS, without_lines_before
from pipeline.sources.files import InputFiles
from pipeline.sources.object_streams import ObjectStream
from pipeline.sources.recording.lines import block_of
from pipeline.sources.recording.reading import RecordingStream
from pipeline.sources.recording.records import AnyRecord, Read, Resumed

_FAILED = (LineKind.SYNC_FAILED, LineKind.SYNC_REFUSED, LineKind.FATAL)


class ClassifiedLine(msgspec.Struct, frozen=True, omit_defaults=False):
    """One recognised record."""

    source: str
    line: int
    line_end: int
    at: datetime | None
    failure_class: str = msgspec.field(name="class")
    also: tuple[str, ...]
    rule: str
    webhook: str | None
    service: str | None
    kind: str | None
    certificate: CertificateFacts | None
    peer: str | None
    key: str | None
    retries: int | None
    text: str


class _Place(msgspec.Struct, frozen=True):
    """Where a record stands, and when it was written."""

    source: str
    line: int
    line_end: int
    at: datetime | None


def _classified(place: _Place, failure: Failure, key: str | None, *, retries: int | None = None) -> ClassifiedLine:
    return ClassifiedLine(
        source=place.source,
        line=place.line,
        line_end=place.line_end,
        at=place.at,
        failure_class=failure.failure_class,
        also=failure.also,
        rule=failure.rule,
        webhook=failure.webhook,
        service=failure.service,
        kind=failure.kind,
        certificate=failure.certificate,
        peer=failure.peer,
        key=key,
        retries=retries,
        text=failure.text,
    )


class _EveryPass:
    """No pass is asked for: a completed pass has no class."""

    def is_wanted(self, raw: bytes) -> bool:
        """See PassFilter."""
        _ = raw
        return False


class Classifier:
    """Recognised lines of one stream."""

    def __init__(self, scanner: Scanner, finder: FailureFinder, *, year_hint: datetime | None = None) -> None:
        self.unparsed: list[Unparsed] = []
        self._assembler = LineAssembler(scanner, _EveryPass())
        self._finder = finder
        self._year_hint = year_hint

    @property
    def lines(self) -> int:
        """Physical lines so far."""
        return self._assembler.counts.total

    def classify(self, blocks: Iterator[Block]) -> Iterator[ClassifiedLine]:
        """All recognised records of the stream, in its order."""
        for block in blocks:
            yield from self.feed(block)
        yield from self.finish()

    def feed(self, block: Block) -> Iterator[ClassifiedLine]:
        """Recognised records of the next block that are certainly complete."""
        yield from self._classify_lines(self._assembler.feed(block))

    def finish(self) -> Iterator[ClassifiedLine]:
        """Recognised records at the end of the stream."""
        yield from self._classify_lines(self._assembler.finish())

    def _classify_lines(self, lines: Iterator[SourceLine]) -> Iterator[ClassifiedLine]:
        for line in lines:
            record = parse_line(line, year_hint=self._year_hint or line.received_at)
            if isinstance(record, Unparsed):
                self.unparsed.append(record)
                continue
            found = self._classify(record)
            if found is not None:
                yield found

    def _classify(self, record: LogRecord) -> ClassifiedLine | None:
        line = read_controller_line(record)
        failure = self._failure_of(line, record)
        if failure is None and line.kind is not LineKind.RETRY_COUNTED:
            return None
        place = _Place(record.origin.source, record.line, record.line_end, record.at)
        key = str(line.key) if line.key is not None else None
        if failure is not None:
            retries = line.count if line.kind is LineKind.RETRY_COUNTED else None
            return _classified(place, failure, key, retries=retries)
        bare = Failure(failure_class="unknown", rule="controller.retry", text=record.message[:300])
        return _classified(place, bare, key, retries=line.count)

    def _failure_of(self, line: ControllerLine, record: LogRecord) -> Failure | None:
        if line.kind is LineKind.CONDITIONS_PATCHED:
            message = replica_failure_of(line.cause)
            return self._finder.find(message) if message else None
        found = self._finder.find_in_record(record)
        if found is None:
            return unknown_failure(line.cause) if line.kind in _FAILED else None
        return with_clock_offset(found, record)


class ClassificationFilter(msgspec.Struct, frozen=True):
    """Which recognised lines are wanted. A line without a time or key passes where it cannot be compared."""

    since: datetime | None = None
    until: datetime | None = None
    namespaces: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def takes(self, line: ClassifiedLine) -> bool:
        """Whether the line is wanted."""
        if line.at is not None and self.since is not None and line.at < self.since:
            return False
        if line.at is not None and self.until is not None and line.at > self.until:
            return False
        if line.key is None:
            return not self.keys and not self.namespaces
        place = line.key.partition(" ")[2]
        in_namespace = not self.namespaces or any(fnmatchcase(place.partition("/")[0], one) for one in self.namespaces)
        return in_namespace and (not self.keys or line.key in self.keys or place in self.keys)


def classify_files(
    files: InputFiles,
    rules: RuleSet,
    chosen: ClassificationFilter,
    *,
    read_at: datetime,
    year_hint: datetime | None = None,
) -> Iterator[ClassifiedLine]:
    """Recognised lines of all logs, and what objects say about failures, one file after the other."""
    scanner = scanner_for(rules)
    finder = FailureFinder(rules)
    for stream in files.streams():
        if isinstance(stream, ObjectStream):
            snapshot = read_objects_of(stream, finder, read_at=read_at)
            yield from filter(chosen.takes, _classify_objects(snapshot.events))
            continue
        if isinstance(stream, RecordingStream):
            recorded = RecordingClassifier(lambda: Classifier(scanner, finder, year_hint=year_hint), finder)
            yield from filter(chosen.takes, recorded.classify(stream.records()))
            continue
        classifier = Classifier(scanner, finder, year_hint=year_hint)
        yield from filter(chosen.takes, classifier.classify(stream.blocks()))


class RecordingClassifier:
    """Recognised lines and objects of a recording: each origin's lines by themselves."""

    def __init__(self, make_classifier: Callable[[], Classifier], finder: FailureFinder) -> None:
        self._make_classifier = make_classifier
        self._finder = finder
        self._classifiers: dict[Origin, Classifier] = {}  # the newest stands last
        self._next_lines: dict[tuple[str, str], int] = {}
        self._resumed: set[tuple[str, str]] = set()  # streams of which lines may come once more

    def classify(self, records: Iterator[AnyRecord]) -> Iterator[ClassifiedLine]:
        """All that is recognised, in the order in which it was taken in."""
        for record in records:
            if isinstance(record, Resumed):
                self._resumed = set(self._next_lines)
            elif isinstance(record, Read):
                yield from self._classify(record)
        for classifier in self._classifiers.values():
            yield from classifier.finish()

    def _classify(self, read: Read) -> Iterator[ClassifiedLine]:
        seen = (with_failure(event, self._finder) for event in read.objects if isinstance(event, ObjectSeen))
        yield from _classify_objects(tuple(seen))
        place = read.source, read.stream
        known = self._next_lines.get(place, 0) if place in self._resumed else 0
        for block in map(block_of, read.blocks):
            fresh = without_lines_before(block, known) if known else block
            if fresh is not None:
                yield from self._classifier_of(fresh.origin).feed(fresh)
        if read.next_line >= known:
            self._resumed.discard(place)
            self._next_lines[place] = read.next_line
        while len(self._classifiers) > MAX_READERS:
            yield from self._classifiers.pop(next(iter(self._classifiers))).finish()

    def _classifier_of(self, origin: Origin) -> Classifier:
        classifier = self._classifiers.pop(origin, None) or self._make_classifier()
        self._classifiers[origin] = classifier
        return classifier


def _classify_objects(events: Sequence[ObjectSeen]) -> Iterator[ClassifiedLine]:
    """Events and conditions that tell of a failure, in the order in which they stand in the file."""
    for event in sorted(events, key=lambda event: event.line):
        if event.failure is not None:
            facts = event.facts
            about = facts.involved if isinstance(facts, KubernetesEventFacts) else facts.ref
            place = _Place(event.origin.source, event.line, event.line, event.at)
            yield _classified(place, event.failure, _key_of(about))


def _key_of(about: ObjectRef) -> str | None:
    """The controller's key, where the object is one that its queues hold."""
    is_key = about.kind in ("Rollout", "Experiment", "AnalysisRun") and bool(about.namespace)
    return f"{about.kind.lower()} {about.namespace}/{about.name}" if is_key else None
