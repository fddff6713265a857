"""From the blocks of one stream to its events: prefilter, records, parsing, classification. Holds no opinion.

This is the half of the work that needs no state beyond its stream, and that worker processes can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from parsers.events import Event
from parsers.failures import FailureFinder
from parsers.lines import LineAssembler, LineCounts
from parsers.objects.snapshots import Snapshot, read_snapshot
from parsers.passes import PassInterest
from parsers.prefilter import CONTROLLER_LITERALS, FREQUENT, Scanner, make_scanner
from parsers.records import Block, SourceLine
from parsers.residue import ERROR_LITERALS
from parsers.rules.model import RuleSet
from parsers.stream import StreamCounts, StreamReader
from parsers.timestamps import find_time
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


def read_objects_of(stream: ObjectStream, finder: FailureFinder, *, read_at: datetime) -> Snapshot:
    """The objects of a file; what of it cannot be read goes to the journal."""
    snapshot = read_snapshot(stream.read(), stream.origin, finder, received_at=stream.received_at, read_at=read_at)
    if snapshot.unreadable:
        first = snapshot.unreadable[0]
        stream.report_unreadable(snapshot.unreadable_count, first.line, first.why)
    return snapshot


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
        self._assembler = LineAssembler(scanner, self._interest)
        self._reader = StreamReader(finder, fallback_at=read_at, year_hint=year_hint, with_residue=with_residue)

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

    def events(self, blocks: Iterable[Block]) -> Iterator[Event]:
        """The events of the whole stream, in its order."""
        for number, block in enumerate(blocks):
            if not number:
                self._reader.expect_times_near(first_time_of(block))
            yield from self._read(self._assembler.feed(block))
        yield from self.finish()

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
