"""From the blocks of one stream to its events: prefilter, records, parsing, classification. Holds no opinion.

This is the half of the work that needs no state beyond its stream, and that worker processes can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from parsers.events import Event
from parsers.failures import FailureFinder
from parsers.lines import LineAssembler, LineCounts
from parsers.passes import PassInterest
from parsers.prefilter import COMPLETED, CONTROLLER_LITERALS, Scanner, make_scanner
from parsers.records import Block, SourceLine
from parsers.rules.model import RuleSet
from parsers.stream import StreamCounts, StreamReader
from parsers.timestamps import find_time

LOOKED_AT_LINES = 200
LOOKED_AT_BYTES = 1 << 18


def scanner_for(rules: RuleSet, *, use_hyperscan: bool | None = None) -> Scanner:
    """The prefilter for the controller's own lines and those of all rules."""
    return make_scanner((COMPLETED, *CONTROLLER_LITERALS, *rules.literals), use_hyperscan=use_hyperscan)


def first_time_of(block: Block) -> datetime | None:
    """The first time with a year in the first lines of a block."""
    head = block.data[:LOOKED_AT_BYTES].split(b"\n", LOOKED_AT_LINES)[:LOOKED_AT_LINES]
    return next((at for line in head if (at := find_time(line)) is not None), None)


class StreamExtractor:
    """Events of one stream, and what was counted on the way."""

    def __init__(
        self, scanner: Scanner, finder: FailureFinder, *, read_at: datetime, year_hint: datetime | None = None
    ) -> None:
        """`read_at` is the time of reading: records that have no time at all get it."""
        self._interest = PassInterest()
        self._assembler = LineAssembler(scanner, self._interest)
        self._reader = StreamReader(finder, fallback_at=read_at, year_hint=year_hint)

    @property
    def lines(self) -> LineCounts:
        """Physical lines so far."""
        return self._assembler.counts

    @property
    def records(self) -> StreamCounts:
        """Records so far."""
        return self._reader.counts

    def events(self, blocks: Iterable[Block]) -> Iterator[Event]:
        """The events of the whole stream, in its order."""
        for number, block in enumerate(blocks):
            if not number:
                self._reader.expect_times_near(first_time_of(block))
            yield from self._read(self._assembler.feed(block))
        yield from self._read(self._assembler.finish())

    def _read(self, lines: Iterable[SourceLine]) -> Iterator[Event]:
        for line in lines:
            for event in self._reader.read(line):
                self._interest.note(event)
                yield event
