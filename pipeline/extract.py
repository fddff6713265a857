"""From the blocks of one stream to its events: prefilter, records, parsing, classification. Holds no opinion.

This is the half of the work that needs no state beyond its stream, and that worker processes can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from parsers.events import Event
from parsers.failures import FailureFinder
from parsers.line_marks import AssemblerMarks
from parsers.lines import LineAssembler, LineCounts
from parsers.objects.snapshots import Snapshot, read_snapshot
from parsers.passes import InterestMemory, PassInterest
from parsers.prefilter import CONTROLLER_LITERALS, FREQUENT, Scanner, make_scanner
from parsers.reader_memory import ReaderMemory
from parsers.records import Block, Origin, SourceLine
from parsers.residue import ERROR_LITERALS
from parsers.rules.model import RuleSet
from parsers.stream import StreamCounts, StreamReader
from parsers.timestamps import find_time
from pipeline.engine.watched import WatchedLog
from pipeline.sources.object_streams import ObjectStream

LOOKED_AT_LINES = 200
LOOKED_AT_BYTES = 1 << 18
YEARLESS = 2000
"""The year that `find_time` gives to times without one."""


def scanner_for(rules: RuleSet, *, use_hyperscan: bool | None = None, with_residue: bool = False) -> Scanner:
    """The prefilter for the controller's own lines and those of all rules; `with_residue`: for all errors, too."""
    errors = ERROR_LITERALS if with_residue else ()
    return make_scanner((*FREQUENT, *CONTROLLER_LITERALS, *rules.literals, *errors), use_hyperscan=use_hyperscan)


def first_time_of(block: Block) -> datetime | None:
    """The first time with a year in the first lines of a block."""
    head = block.data[:LOOKED_AT_BYTES].split(b"\n", LOOKED_AT_LINES)[:LOOKED_AT_LINES]
    return next((at for line in head if (at := find_time(line)) is not None and at.year != YEARLESS), None)


def last_time_of(block: Block) -> datetime | None:
    """The last time with a year in the last lines of a block."""
    tail = block.data[-LOOKED_AT_BYTES:].rsplit(b"\n", LOOKED_AT_LINES)[-LOOKED_AT_LINES:]
    return next((at for line in reversed(tail) if (at := find_time(line)) is not None and at.year != YEARLESS), None)


def read_objects_of(stream: ObjectStream, finder: FailureFinder, *, read_at: datetime) -> Snapshot:
    """The objects of a file; what of it cannot be read goes to the journal."""
    snapshot = read_snapshot(stream.read(), stream.origin, finder, received_at=stream.received_at, read_at=read_at)
    if snapshot.unreadable:
        first = snapshot.unreadable[0]
        stream.report_unreadable(snapshot.unreadable_count, first.line, first.why)
    return snapshot


class ExtractorMemory(msgspec.Struct, frozen=True):
    """What an extractor remembers of its stream between two blocks, to be kept over a restart. It holds no secret."""

    marks: AssemblerMarks | None  # None: nothing is held back
    reader: ReaderMemory
    interest: InterestMemory
    first_at: datetime | None
    last_at: datetime | None = None  # until then the stream was read, whether or not its lines mattered


MAX_ORIGINS = 2_000
"""Of one stream that never ends: the pods that wrote last."""


class StreamExtractor:
    """Events of one stream, and what was counted on the way."""

    def __init__(
        self,
        scanner: Scanner,
        finder: FailureFinder,
        *,
        read_at: datetime,
        year_hint: datetime | None = None,
        with_residue: bool = False,
    ) -> None:
        """`read_at` is the time of reading: records that have no time at all get it."""
        self._interest = PassInterest()
        self._is_started = False
        self._assembler = LineAssembler(scanner, self._interest)
        self._reader = StreamReader(finder, fallback_at=read_at, year_hint=year_hint, with_residue=with_residue)
        self._first_at: datetime | None = None
        self._last_at: datetime | None = None  # of what was read before the newest block
        self._newest_block: Block | None = None

    @property
    def lines(self) -> LineCounts:
        """Physical lines so far."""
        return self._assembler.counts

    @property
    def records(self) -> StreamCounts:
        """Records so far."""
        return self._reader.counts

    @property
    def residue_omitted_count(self) -> int:
        """Error records that no rule knows and that were too many to be passed on."""
        return self._reader.residue.omitted_count if self._reader.residue is not None else 0

    def watched(self, origin: Origin) -> WatchedLog:
        """Over which time the stream goes, whether or not any of its lines mattered."""
        last_at = last_time_of(self._newest_block) if self._newest_block is not None else None
        known = [at for at in (self._first_at, self._last_at, last_at) if at is not None]
        return WatchedLog(origin, min(known, default=None), max(known, default=None))

    def events(self, blocks: Iterable[Block]) -> Iterator[Event]:
        """The events of the whole stream, in its order."""
        for block in blocks:
            yield from self.feed(block)
        yield from self.finish()

    def feed(self, block: Block) -> Iterator[Event]:
        """The events of the next block that are certain by now."""
        if not self._is_started:
            self._is_started = True
            self._first_at = first_time_of(block)
            self._reader.expect_times_near(self._first_at)
        self._newest_block = block
        yield from self._read(self._assembler.feed(block))

    def release(self, at: datetime) -> Iterator[Event]:
        """What was held back in a stream that has been silent until `at`: nothing is awaited any more."""
        self._reader.read_now(at)
        yield from self._read(self._assembler.release())
        yield from self._noted(self._reader.finish())

    def read_now(self, at: datetime) -> None:
        """The time of reading has moved on."""
        self._reader.read_now(at)

    def expect_nothing_again(self) -> None:
        """Everything that was to come once more has come, or never will."""
        self._assembler.forget_marks()

    @property
    def marks(self) -> AssemblerMarks | None:
        """From where the stream has to be read again, None where nothing is held back."""
        return self._assembler.marks()

    @property
    def is_holding(self) -> bool:
        """Whether lines wait for what follows them."""
        return self._assembler.is_holding

    def remember(self) -> ExtractorMemory:
        """What is needed to go on later, in another process, from the line `marks.context`."""
        self._reader.forget_origins(MAX_ORIGINS)
        return ExtractorMemory(
            self._assembler.marks(),
            self._reader.remember(),
            self._interest.remember(),
            self._first_at,
            self.watched(Origin()).last_at,
        )

    def recall(self, memory: ExtractorMemory) -> None:
        """Go on where another extractor stood; to be called before the first block."""
        self._is_started = True
        self._first_at, self._last_at = memory.first_at, memory.last_at
        if memory.marks is not None:
            self._assembler.resume(memory.marks)
        self._reader.recall(memory.reader)
        self._interest.recall(memory.interest)

    def finish(self) -> Iterator[Event]:
        """What was held back; `events` asks for it itself, unless it was interrupted."""
        yield from self._read(self._assembler.finish())
        yield from self._noted(self._reader.finish())

    def _read(self, lines: Iterable[SourceLine]) -> Iterator[Event]:
        for line in lines:
            yield from self._noted(self._reader.read(line))

    def _noted(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            self._interest.note(event)
            yield event
