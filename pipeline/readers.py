"""From what a source gave of its streams to events, and from which line each stream has to be read again.

A stream (a partition) holds lines of several origins; each has a reader. The end of an origin's lines is held back for
a moment, for lines that belong to it. So a position is the first line that was not decided upon, and what lies
behind it and was decided is passed over when it is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from parsers.events import Event, RetryCounted, SyncCompleted, SyncFailed, SyncRefused
from parsers.line_marks import LineMark, line_from
from parsers.records import Block, Origin
from pipeline.engine.watched import WatchedLog
from pipeline.extract import ExtractorMemory, StreamExtractor
from pipeline.sources.live import Fetched

MAX_READERS = 2_000
"""Of one stream: those that were read last. A pod that writes again after so many others is taken for a new one."""


class ReaderMemory(msgspec.Struct, frozen=True, tag="reader"):
    """What one origin's reader remembers."""

    origin: Origin
    extractor: ExtractorMemory


class StreamMemory(msgspec.Struct, frozen=True, tag="stream"):
    """How far a stream was read."""

    next_line: int
    position: int  # first line that has to be read again


class ReadCounts(msgspec.Struct):
    """What became of lines."""

    lines: int = 0
    candidates: int = 0  # records that could matter, and were understood
    unparsed: int = 0  # records that could matter, in no known format

    @property
    def skipped(self) -> int:
        """Lines that cannot matter."""
        return max(0, self.lines - self.candidates - self.unparsed)

    def add(self, other: ReadCounts) -> None:
        """Count others, too."""
        self.lines += other.lines
        self.candidates += other.candidates
        self.unparsed += other.unparsed


_WORK = (SyncCompleted, SyncFailed, SyncRefused, RetryCounted)
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[ReaderMemory | StreamMemory] = msgspec.msgpack.Decoder(ReaderMemory | StreamMemory)


class _Reader:
    """One origin's lines in one stream."""

    def __init__(self, extractor: StreamExtractor) -> None:
        self.extractor = extractor
        self.fed_at: datetime | None = None
        self.is_changed = False
        self.has_marks = False  # lines that it has decided upon come once more, and it knows which
        self._counted = ReadCounts()

    def take_counts(self) -> ReadCounts:
        """What was read since this was asked the last time."""
        lines, records, before = self.extractor.lines, self.extractor.records, self._counted
        now = self._counted = ReadCounts(lines.total, records.records, sum(records.unparsed.values()))
        return ReadCounts(now.lines - before.lines, now.candidates - before.candidates, now.unparsed - before.unparsed)


class StreamReaders:
    """The readers of one stream."""

    def __init__(self, make_extractor: Callable[[], StreamExtractor]) -> None:
        self.next_line = 0
        self._make_extractor = make_extractor
        self._readers: dict[Origin, _Reader] = {}
        self._gone: set[Origin] = set()
        self._cursor = 0  # where the source stands: no line before it can come, unless the stream was made anew
        self._read_through = 0  # lines before it come once more after a restart
        self._is_changed = False
        self._counts = ReadCounts()
        self._heard: dict[Origin, bool] = {}  # since somebody asked; whether there was work among it

    def recall(self, memory: ReaderMemory | StreamMemory) -> None:
        """Go on where another process stood; to be called before the first `feed`."""
        if isinstance(memory, StreamMemory):
            self.next_line = self._read_through = memory.next_line
            self._cursor = memory.position
            return
        reader = self._readers[memory.origin] = _Reader(self._make_extractor())
        reader.extractor.recall(memory.extractor)
        reader.has_marks = memory.extractor.marks is not None

    def feed(self, fetched: Fetched, at: datetime) -> Iterator[Event]:
        """The events in what was read; `at` is the time of reading."""
        if min([fetched.next_line, *(_first_line_of(block) for block in fetched.blocks)]) < self._cursor:
            yield from self._begin_anew(at)
        for block in fetched.blocks:
            yield from self._feed_block(block, at)
        self._cursor = fetched.next_line
        if self._cursor >= self._read_through:
            for reader in self._readers.values():
                if reader.has_marks:
                    reader.has_marks = False
                    reader.extractor.expect_nothing_again()
        self.next_line = max(self.next_line, fetched.next_line)
        self._is_changed = True

    def _begin_anew(self, at: datetime) -> Iterator[Event]:
        """The topic was deleted and made again, or its end was cut off: other lines have the numbers now."""
        for reader in self._readers.values():
            yield from reader.extractor.release(at)
            self._counts.add(reader.take_counts())
        self._gone |= self._readers.keys()
        self._readers.clear()
        self.next_line = self._read_through = 0

    def _feed_block(self, block: Block, at: datetime) -> Iterator[Event]:
        reader = self._readers.pop(block.origin, None) or _Reader(self._make_extractor())
        self._readers[block.origin] = reader  # the newest stands last
        if _first_line_of(block) < self._read_through and not reader.has_marks:
            fresh = without_lines_before(block, self._read_through)
            if fresh is None:
                return
            block = fresh
        reader.fed_at, reader.is_changed = at, True
        reader.extractor.read_now(at)
        skipped_before = reader.extractor.lines.passes_skipped
        is_work = False
        for event in reader.extractor.feed(block):
            is_work = is_work or isinstance(event, _WORK)
            yield event
        self._counts.add(reader.take_counts())
        is_work = is_work or reader.extractor.lines.passes_skipped > skipped_before
        self._heard[block.origin] = is_work or self._heard.get(block.origin, False)

    def take_heard(self) -> dict[Origin, bool]:
        """The origins of which something was read since this was asked the last time, and whether it was of work."""
        heard, self._heard = self._heard, {}
        return heard

    def watched(self, origins: Iterable[Origin] | None = None) -> Iterator[WatchedLog]:
        """Over which time some origins were read; None: all of them."""
        for origin in self._readers if origins is None else origins:
            reader = self._readers.get(origin)
            if reader is not None:
                yield reader.extractor.watched(origin)

    def begun_again(self) -> StreamReaders:
        """The readers that another process would have that knows what these know, and reads on from `position`."""
        others = StreamReaders(self._make_extractor)
        others.recall(StreamMemory(self.next_line, self.position()))
        for origin, reader in self._readers.items():
            others.recall(ReaderMemory(origin, reader.extractor.remember()))
        return others

    def release_idle(self, at: datetime, idle: timedelta) -> Iterator[Event]:
        """What was held back of origins that have been silent for long enough."""
        for reader in self._readers.values():
            if reader.fed_at is not None and at - reader.fed_at >= idle:
                reader.fed_at, reader.is_changed = None, True
                self._is_changed = True
                yield from reader.extractor.release(at)
                self._counts.add(reader.take_counts())

    def position(self) -> int:
        """The first line that has to be read again."""
        held = [
            marks.context.number for reader in self._readers.values() if (marks := reader.extractor.marks) is not None
        ]
        return min([*held, self.next_line])

    def take_changes(self) -> Iterator[tuple[str, bytes | None]]:
        """What has to be stored together with the position, by name; None: no longer."""
        self.make_room()
        for origin in sorted(self._gone - self._readers.keys()):
            yield _name_of(origin), None
        self._gone.clear()
        for origin, reader in self._readers.items():
            if reader.is_changed:
                reader.is_changed = False
                yield _name_of(origin), _encoder.encode(ReaderMemory(origin, reader.extractor.remember()))
        if self._is_changed:
            self._is_changed = False
            yield "stream", _encoder.encode(StreamMemory(self.next_line, self.position()))

    def forget(self) -> Iterator[tuple[str, None]]:
        """The names of everything that may be stored of the stream, which is over."""
        for origin in sorted(self._gone | self._readers.keys()):
            yield _name_of(origin), None
        yield "stream", None

    def take_counts(self) -> ReadCounts:
        """What became of the lines that were read since this was asked the last time."""
        counts, self._counts = self._counts, ReadCounts()
        # What is held back is a line now and a record later: fewer of the next lines count as skipped then.
        early = counts.candidates + counts.unparsed - counts.lines
        if early > 0:
            counts.lines += early
            self._counts.lines -= early
        return counts

    def make_room(self) -> None:
        """Forget the origins of which nothing was read for the longest time."""
        for origin in list(self._readers)[: max(0, len(self._readers) - MAX_READERS)]:
            if not self._readers[origin].extractor.is_holding:
                del self._readers[origin]
                self._gone.add(origin)


def decode_memory(value: bytes) -> ReaderMemory | StreamMemory:
    """What was stored of a reader or a stream.

    Raises:
        msgspec.DecodeError: Another version has written it.
    """
    return _decoder.decode(value)


def time_heard(read_at: datetime, written_at: datetime | None, stored_at_seconds: float | None) -> datetime:
    """When lines were written, by whichever clock is ahead; never after they were read."""
    stored_at = datetime.fromtimestamp(stored_at_seconds, UTC) if stored_at_seconds is not None else None
    known = [at for at in (written_at, stored_at) if at is not None]
    return min(read_at, max(known, default=read_at))


def _name_of(origin: Origin) -> str:
    return f"origin/{hashlib.sha256(_encoder.encode(origin)).hexdigest()[:32]}"


def _first_line_of(block: Block) -> int:
    return block.line_numbers[0] if block.line_numbers else block.first_line


def without_lines_before(block: Block, line: int) -> Block | None:
    """The rest of a block; None where nothing is left."""
    numbers = block.line_numbers
    if numbers is None:
        raise AssertionError("lines of a stream that goes on have numbers")
    offset = line_from(LineMark(line), block)
    if offset >= len(block.data):
        return None
    kept = sum(1 for number in numbers if number >= line)
    return msgspec.structs.replace(block, data=block.data[offset:], line_numbers=numbers[len(numbers) - kept :])
