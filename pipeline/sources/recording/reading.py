"""A recording as an input: its records, without those of batches that were never committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from parsers.records import Origin
from pipeline.sources.byte_stream import ByteStream
from pipeline.sources.journal import Journal, read_in_part
from pipeline.sources.layers import Reading
from pipeline.sources.parts import Part
from pipeline.sources.recording.records import (
    FORMAT,
    AnyRecord,
    Began,
    Committed,
    Continued,
    Ended,
    Read,
    RecordedBlock,
    Released,
    Resumed,
    SilenceTold,
    Standing,
    decode,
)

MAX_RECORD_BYTES = 512 * 1024 * 1024
"""Of one record: a read of a source has some MiB."""


class RecordingStream:
    """One recording."""

    def __init__(
        self, origin: Origin, size_bytes: int | None, read: Callable[[], Iterator[AnyRecord]], journal: Journal
    ) -> None:
        self.origin = origin
        self.size_bytes = size_bytes  # as stored; None: not known
        self._read = read
        self._journal = journal

    def records(self) -> Iterator[AnyRecord]:
        """Read it, once, before the next stream is asked for. Problems go to the journal."""
        return self._read()

    def note(self, text: str) -> None:
        """Say something about it that its reader should know."""
        self._journal.note(self.origin.source, text)


def recording_of(
    origin: Origin, size_bytes: int | None, read: Callable[[], Iterator[AnyRecord]], reading: Reading
) -> RecordingStream:
    """Make a stream of all records of a recording, whose files are read one behind the other."""
    return RecordingStream(origin, size_bytes, lambda: _named(committed(read()), reading.cluster), reading.journal)


def read_records(part: Part, text: ByteStream, reading: Reading) -> Iterator[AnyRecord]:
    """All records of a decoded part that holds a recording, up to one that is cut off or of a later format."""
    journal = reading.journal
    unreadable_count, first_unreadable, is_cut = 0, 0, False
    for number, line, is_whole in _lines(text):
        try:
            record = decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if is_whole:
                unreadable_count += 1
                first_unreadable = first_unreadable or number
            is_cut = not is_whole
            continue
        if isinstance(record, Began) and record.format > FORMAT:
            why = f"from line {number} on it was written by whystuck {record.whystuck}, in a format of its own"
            journal.report(read_in_part(part.source, why, "replay it with that version"))
            return
        yield record
    if unreadable_count:
        what = "a record" if unreadable_count == 1 else f"{unreadable_count} records"
        why = f"{what} of it cannot be read, the first in line {first_unreadable}"
        journal.report(read_in_part(part.source, why, "copy it again if it was changed"))
    if is_cut:
        why = "its last record is cut off: it is still being written, or its writer was killed"
        journal.report(read_in_part(part.source, why, "everything before it was read"))


def _lines(text: ByteStream) -> Iterator[tuple[int, bytes, bool]]:
    """Number and bytes of each line, and whether it ends in a line feed. What is too long is left out as cut."""
    number, rest, size = 1, [], 0  # type: tuple[int, list[bytes], int]
    for chunk in text:
        *lines, last = chunk.split(b"\n")
        for line in lines:
            yield number, b"".join((*rest, line)) if size <= MAX_RECORD_BYTES else b"", True
            number, rest, size = number + 1, [], 0
        size += len(last)
        if last and size <= MAX_RECORD_BYTES:
            rest.append(last)
    if size:
        yield number, b"".join(rest), False


def committed(records: Iterable[AnyRecord]) -> Iterator[AnyRecord]:
    """The records of batches that reached the store; of the newest one nobody knows, and it is taken.

    Where a process died between the commit and the record of it, the positions that the next one found tell.
    """
    batch: list[AnyRecord] = []
    for record in records:
        match record:
            case Committed():
                yield from batch
                batch.clear()
                yield record
            case Resumed() | Continued():
                if batch and _is_in(record, batch):  # silences that the store holds are in this record
                    yield from (one for one in batch if not isinstance(one, SilenceTold))
                batch.clear()
                yield record
            case Began() | Ended() if not batch:
                yield record
            case Began():
                continue
            case _:
                batch.append(record)
    yield from batch


def _is_in(resumed: Standing, batch: list[AnyRecord]) -> bool:
    """Whether the store that was loaded held a batch. One without lines says nothing that would not be found again."""
    newest = {(one.source, one.stream): one for one in batch if isinstance(one, Read | Released)}
    return all(_stands_behind(resumed, one) for one in newest.values())


def _stands_behind(resumed: Standing, record: Read | Released) -> bool:
    next_line = resumed.next_lines.get(record.source, {}).get(record.stream)
    if isinstance(record, Read):
        return next_line == record.next_line
    return resumed.positions.get(record.source, {}).get(record.stream, next_line) == record.position


def _named(records: Iterator[AnyRecord], cluster: str) -> Iterator[AnyRecord]:
    """The records, with the cluster that the user gave where they name none."""
    for record in records:
        if not cluster or not isinstance(record, Read):
            yield record
            continue
        blocks = tuple(_named_block(block, cluster) for block in record.blocks)
        yield msgspec.structs.replace(record, blocks=blocks)


def _named_block(block: RecordedBlock, cluster: str) -> RecordedBlock:
    if block.origin.cluster:
        return block
    return msgspec.structs.replace(block, origin=msgspec.structs.replace(block.origin, cluster=cluster))
