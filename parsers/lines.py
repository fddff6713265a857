"""From blocks to the text of single records: finds candidate lines and joins what belongs together.

Only candidates are split off and decoded; all others are counted. A record can stand on several physical
lines: parts of a container runtime (CRI ``P``/``F``, docker's 16 KiB pieces), folded text, a stack trace, JSON that
a terminal broke at its width. How far this looks is bounded in lines and bytes. At the end of a block a record that
may go on is held back by as much, with all that come behind it, so that the answer does not depend on where a stream
was cut into blocks; a record that is whole by itself is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from parsers.broken_lines import join
from parsers.folding import LOOK_BACK_LINES, LOOK_BYTES, LOOK_LINES, LineSpan, fold, may_go_on
from parsers.line_marks import AssemblerMarks, LineMark, behind, line_from
from parsers.partial_lines import Partial, join_parts, partial_of
from parsers.prefilter import FREQUENT, Scanner
from parsers.records import Block, SourceLine
from parsers.text import clean_text


class LineCounts(msgspec.Struct):
    """How many physical lines were met, and how many of them went on to the parser."""

    total: int = 0
    candidates: int = 0
    passes_skipped: int = 0  # healthy passes and patches of keys that nobody asks about


class PassFilter(Protocol):
    """Decides on raw bytes whether the line of a completed pass or of a status patch is of interest."""

    def is_wanted(self, raw: bytes) -> bool:
        """Whether the pass or the patch in this line matters."""


class LineAssembler:
    """Candidate records of one stream. Feed its blocks in order, then call `finish`."""

    def __init__(self, scanner: Scanner, passes: PassFilter) -> None:
        self.counts = LineCounts()
        self._scanner = scanner
        self._passes = passes
        self._carried: _Window | None = None
        self._resumed: AssemblerMarks | None = None  # lines before these marks come once more

    @property
    def is_holding(self) -> bool:
        """Whether lines wait for what follows them, or are kept as those that a record may begin with."""
        return self._carried is not None and self._carried.held_from < len(self._carried.data)

    def marks(self) -> AssemblerMarks | None:
        """From where the stream has to be read again, None where nothing is held back."""
        if self._resumed is not None:
            return self._resumed
        window = self._carried
        if window is None or not self.is_holding:
            return None
        undecided = min(window.scan_from, window.last_line)
        return AssemblerMarks(
            window.mark_at(0), window.mark_at(undecided), window.mark_at(window.done) if window.done else None
        )

    def resume(self, marks: AssemblerMarks) -> None:
        """The stream is read again from `marks.context`; to be called before the first `feed`."""
        self._resumed = marks

    def forget_marks(self) -> None:
        """What has not come once more by now was deleted at its source."""
        self._resumed = None

    def release(self) -> Iterator[SourceLine]:
        """Records of what is held back, for a stream that has been silent for long enough."""
        window = self._carried
        if window is None or self._resumed is not None:
            return
        yield from self._scan(window, len(window.data))
        self._carried = window.carry(len(window.data))

    def feed(self, block: Block) -> Iterator[SourceLine]:
        """Records of the block that are certainly complete."""
        self.counts.total += block.data.count(b"\n") + (not block.data.endswith(b"\n") and bool(block.data))
        window = _Window.of(block) if self._carried is None else self._carried.followed_by(block)
        if self._resumed is not None and window.pass_over(self._resumed, block):
            self._resumed = None
        hold_from = max(window.hold_from(), window.held_from)
        self._carried = window  # where an interruption comes now, `finish` goes on in it
        yield from self._scan(window, hold_from)
        self._carried = window.carry(hold_from)

    def finish(self) -> Iterator[SourceLine]:
        """Records at the end of the stream."""
        if self._carried is not None:
            yield from self._scan(self._carried, len(self._carried.data))
            self._carried = None

    def _scan(self, window: _Window, limit: int) -> Iterator[SourceLine]:
        data = window.data
        done, decided = window.done, 0
        for end in self._scanner.find_ends(data):
            if end <= done:
                continue
            start = data.rfind(b"\n", 0, end) + 1
            if start < window.scan_from:
                continue
            window.scan_from = max(window.scan_from, min(decided, start))  # a line may hold more than one literal
            stop = data.find(b"\n", end - 1)
            stop = len(data) if stop < 0 else stop
            if start >= limit:
                if _may_go_on(data, LineSpan(start, stop), done):
                    break
                decided = stop + 1
            if data.endswith(FREQUENT, start, end) and not self._passes.is_wanted(data[start:stop]):
                self.counts.passes_skipped += 1
                continue
            span = self._extend(data, LineSpan(start, stop), done)
            window.done = done = span.stop
            self.counts.candidates += 1
            yield window.source_line(data, span)
        window.scan_from = max(window.scan_from, decided)

    def _extend(self, data: bytes, span: LineSpan, done: int) -> LineSpan:
        """The whole record around a candidate line."""
        return _join_partials(data, span, _partial_of(data, span), done) or fold(data, span, done)


class _Window:
    """The bytes being looked at: what was held back, and the newest block behind it."""

    def __init__(self, data: bytes, blocks: list[tuple[int, Block]], done: int, scan_from: int, held_from: int) -> None:
        self.data = data
        self.done = done  # end of the last record delivered: no other record may reach back behind it
        self.scan_from = scan_from  # lines before this offset were decided upon
        self.held_from = held_from  # lines from this offset on may be looked at once more
        self._blocks = blocks  # (offset of the block's first byte in data, block); the first may start before data
        self._cursor = (-1, 0, 0)  # (index of block, offset in data, line index within the block) of the last look-up

    @classmethod
    def of(cls, block: Block) -> _Window:
        return cls(block.data, [(0, block)], 0, 0, 0)

    def followed_by(self, block: Block) -> _Window:
        glue = b"" if not self.data or self.data.endswith(b"\n") else b"\n"
        offset = len(self.data) + len(glue)
        blocks = [*self._blocks, (offset, block)]
        return _Window(self.data + glue + block.data, blocks, self.done, self.scan_from, self.held_from)

    @property
    def last_line(self) -> int:
        """Offset of the last line."""
        return self.data.rfind(b"\n", 0, len(self.data) - 1) + 1

    def pass_over(self, marks: AssemblerMarks, newest: Block) -> bool:
        """Leave out what was decided before, as far as it stands in the newest block; says whether that was the last.

        What retention has deleted meanwhile does not come again: lines are known by their numbers, not counted.
        """
        base = self._blocks[-1][0]
        undecided = line_from(marks.undecided, newest)
        self.scan_from = base + undecided
        delivered = line_from(behind(marks.delivered), newest) if marks.delivered is not None else 0
        if delivered:
            self.done = base + delivered - 1
        return max(undecided, delivered) < len(newest.data)

    def mark_at(self, offset: int) -> LineMark:
        """The line that begins at an offset, or right behind it."""
        block, number = self._locate(offset)
        if block.line_numbers is None:
            return LineMark(number)
        index = self._cursor[2]
        part = 0
        while index > part and block.line_numbers[index - part - 1] == number:
            part += 1
        return LineMark(number, part)

    def hold_from(self) -> int:
        """Where the part begins that must wait for the next block: the last lines, bounded in bytes."""
        data = self.data
        lowest = max(0, len(data) - 2 * LOOK_BYTES)
        position = len(data)
        for _ in range(LOOK_LINES + 1):
            position = data.rfind(b"\n", lowest, position)
            if position < 0:
                return data.rfind(b"\n", 0, lowest) + 1 if lowest else 0
        return position + 1

    def carry(self, hold_from: int) -> _Window:
        """What the next block needs: the part held back and some lines before it, for records that began there."""
        data = self.data
        start = hold_from
        for _ in range(LOOK_BACK_LINES + LOOK_LINES):
            if start <= 0 or hold_from - start > LOOK_BYTES:
                break
            start = data.rfind(b"\n", 0, start - 1) + 1
        blocks = [(offset - start, block) for offset, block in self._blocks if offset + len(block.data) >= start]
        scan_from = max(hold_from, self.scan_from)
        return _Window(data[start:], blocks, max(0, self.done - start), scan_from - start, hold_from - start)

    def source_line(self, data: bytes, span: LineSpan) -> SourceLine:
        block, line = self._locate(span.start)
        text, is_cut = clean_text(_record_of(data, span))
        last = data.count(b"\n", span.start, span.stop)
        line_end = line + last if block.line_numbers is None else self._locate(span.last_start)[1]
        return SourceLine(
            text=text,
            line=min(line, line_end),
            line_end=max(line, line_end),
            origin=block.origin,
            received_at=block.received_at,
            is_cut=is_cut,
        )

    def _locate(self, offset: int) -> tuple[Block, int]:
        """The block that holds the offset, and the number of its line there."""
        index = len(self._blocks) - 1
        while index and self._blocks[index][0] > offset:
            index -= 1
        base, block = self._blocks[index]
        known_index, known_offset, known_line = self._cursor
        if known_index == index and max(base, 0) <= known_offset <= offset:
            line = known_line + self.data.count(b"\n", known_offset, offset)
        elif base >= 0:
            line = self.data.count(b"\n", base, offset)
        else:
            line = block.data.count(b"\n", 0, offset - base)
        self._cursor = (index, offset, line)
        number = block.first_line + line if block.line_numbers is None else block.line_numbers[line]
        return block, number


def _may_go_on(data: bytes, span: LineSpan, done: int) -> bool:
    """Whether what follows a candidate line may belong to its record."""
    if _partial_of(data, span) is not Partial.PARTIAL:
        return may_go_on(data, span, done)
    joined = _join_partials(data, span, Partial.PARTIAL, done)
    return joined is None or _partial_of(data, LineSpan(*joined.parts[-1])) is Partial.PARTIAL


def _partial_of(data: bytes, span: LineSpan) -> Partial:
    return partial_of(data[span.start : min(span.stop, span.start + LOOK_BYTES)])


def _join_partials(data: bytes, span: LineSpan, state: Partial, done: int) -> LineSpan | None:
    """The parts of a record that a container runtime split, None where the line is whole."""
    first = _look_back_for_parts(data, span, done)
    if state is not Partial.PARTIAL and not first:
        return None
    parts = [*first, (span.start, span.stop)]
    size = sum(stop - start for start, stop in parts)
    position = span.stop + 1
    while state is Partial.PARTIAL and position < len(data) and len(parts) < LOOK_LINES:
        stop = data.find(b"\n", position)
        stop = len(data) if stop < 0 else stop
        size += stop - position
        if size > LOOK_BYTES:
            break
        state = partial_of(data[position:stop])
        parts.append((position, stop))
        position = stop + 1
    return LineSpan(parts[0][0], parts[-1][1], tuple(parts)) if len(parts) > 1 else None


def _look_back_for_parts(data: bytes, span: LineSpan, done: int) -> list[tuple[int, int]]:
    """Parts right before the line: its literal may stand in a later part only."""
    parts: list[tuple[int, int]] = []
    start = span.start
    while start - 1 > done and len(parts) < LOOK_LINES and span.start - start < LOOK_BYTES:
        before = data.rfind(b"\n", 0, start - 1) + 1
        if before < done or partial_of(data[before : start - 1]) is not Partial.PARTIAL:
            break
        parts.insert(0, (before, start - 1))
        start = before
    return parts


def _record_of(data: bytes, span: LineSpan) -> bytes:
    """The bytes of a record, its parts put together."""
    if span.parts:
        return join_parts([data[start:stop] for start, stop in span.parts])
    if span.is_broken:
        return join(data, span.start, span.stop)
    raw = data[span.start : span.stop]
    # A terminal or page broke the object at its width, in mid-word: JSON has no line feed of its own in a text.
    return raw.replace(b"\n", b"") if raw.startswith(b"{") else raw
