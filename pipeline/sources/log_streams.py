"""Logs as streams of blocks: what the rest of the pipeline sees of the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import msgspec

from parsers.documents import DocumentKind, sniff, split_document
from parsers.objects.recognise import holds_objects
from parsers.records import Block, Origin
from pipeline.sources.blocks import LineCutter, blocks_of_entries, blocks_of_lines
from pipeline.sources.byte_stream import ByteStream, until_broken
from pipeline.sources.contents import describe_foreign_format, find_skip_reason
from pipeline.sources.encoding import to_utf8
from pipeline.sources.journal import BrokenInputError, SkipReason, cannot_read
from pipeline.sources.layers import Reading, peel
from pipeline.sources.newest_first import in_time_order
from pipeline.sources.object_streams import ObjectStream, open_objects
from pipeline.sources.parts import Part, PartGroup
from pipeline.sources.recording.reading import RecordingStream, read_records, recording_of
from pipeline.sources.recording.records import AnyRecord, is_recording


class LogStream:
    """One log, perhaps rotated into several files, oldest lines first.

    `origin` is the identity of the stream and is named after the plain file. The origin of a block names the part
    that its lines stand in, because there the user can look them up: line numbers begin anew with every part. So
    state is kept by the stream's origin, and places are shown from the block's.
    """

    def __init__(self, origin: Origin, size_bytes: int | None, read: Callable[[], Iterator[Block]]) -> None:
        self.origin = origin
        self.size_bytes = size_bytes  # as stored, so compressed; None: not known
        self._read = read

    def blocks(self) -> Iterator[Block]:
        """Read the log, once, before the next stream is asked for. Problems go to the journal."""
        return self._read()


InputStream = LogStream | ObjectStream | RecordingStream
"""What an input holds: a log, Kubernetes objects, or what a daemon has recorded."""


def open_text(part: Part, stream: ByteStream, reading: Reading) -> InputStream | None:
    """Make a stream of a part whose compressions were taken off; None where it is no log (see the journal)."""
    text = _open_text(part, stream, reading)
    if text is None:
        return None
    if is_recording(text.peek(reading.limits.head_bytes)):
        origin = Origin(source=part.source, cluster=reading.cluster)
        return recording_of(origin, part.size_bytes, partial(read_records, part, text, reading), reading)
    if holds_objects(text.peek(reading.limits.head_bytes)):
        return open_objects(part, text, reading)
    origin = Origin(source=part.source, cluster=reading.cluster)
    return LogStream(origin, part.size_bytes, lambda: _read_text(part, text, reading))


def open_rotated(group: PartGroup, reading: Reading) -> LogStream | RecordingStream:
    """Make one stream of the parts of a rotated log or a recording; each is opened when its turn comes."""
    origin = Origin(source=group.source, cluster=reading.cluster)
    newest = next((part for part in reversed(group.parts) if part.size_bytes), group.parts[-1])
    if _begins_as_recording(newest, reading):
        return recording_of(origin, group.size_bytes, partial(_read_recorded_parts, group, reading), reading)
    return LogStream(origin, group.size_bytes, lambda: _read_parts(group, reading))


def _begins_as_recording(part: Part, reading: Reading) -> bool:
    """Whether a part that can be opened twice holds a recording."""
    if part.size_bytes is None:
        return False
    with (
        reading.journal.progress.paused(),
        suppress(BrokenInputError),
        part.open() as raw,
    ):  # it is told when it is read
        return is_recording(peel(raw, part.source, reading).stream.peek(reading.limits.head_bytes))
    return False


def _read_recorded_parts(group: PartGroup, reading: Reading) -> Iterator[AnyRecord]:
    for part in group.parts:
        try:
            with part.open() as raw:
                text = _open_text(part, _peel_log(part, raw, reading), reading)
                if text is not None and not is_recording(text.peek(reading.limits.head_bytes)):
                    why = "it holds none, and has the name of a part of a recording"
                    reading.journal.report(cannot_read(part.source, why, "rename it"))
                elif text is not None:
                    yield from read_records(part, text, reading)
        except BrokenInputError as error:
            reading.journal.report(error.problem)


def _read_parts(group: PartGroup, reading: Reading) -> Iterator[Block]:
    for part in group.parts:
        try:
            with part.open() as raw:
                text = _open_text(part, _peel_log(part, raw, reading), reading)
                if text is not None and (other := _other_than_log(text.peek(reading.limits.head_bytes))):
                    why = f"it holds {other} and has the name of a part of a rotated log"
                    reading.journal.report(cannot_read(part.source, why, "rename it"))
                elif text is not None:
                    blocks = _read_text(part, text, reading)
                    yield from blocks if part is group.parts[-1] else _end_last_line(blocks)
        except BrokenInputError as error:
            reading.journal.report(error.problem)


def _other_than_log(head: bytes) -> str:
    """What a file holds that begins with `head`, in words; empty: a log."""
    if is_recording(head):
        return "a recording"
    return "Kubernetes objects" if holds_objects(head) else ""


def _peel_log(part: Part, raw: ByteStream, reading: Reading) -> ByteStream:
    peeled = peel(raw, part.source, reading)
    if peeled.archive is not None:
        why = f"it is a {peeled.archive.value} archive among the parts of a rotated log"
        raise BrokenInputError(cannot_read(part.source, why, "give it by itself"))
    return peeled.stream


def _open_text(part: Part, stream: ByteStream, reading: Reading) -> ByteStream | None:
    """Decode a part and look at its beginning; None where it is no log."""
    foreign = describe_foreign_format(stream.peek(reading.limits.head_bytes))
    text = ByteStream(to_utf8(ByteStream(until_broken(stream, reading.journal))))
    reason = find_skip_reason(text.peek(reading.limits.head_bytes))
    if reason is None:
        return text
    if reason is SkipReason.EMPTY and reading.journal.has_problem(part.source):
        return None  # nothing could be read, which was said
    if reason is SkipReason.BINARY and part.is_explicit:
        why = f"it is {foreign}, which is not read" if foreign else "it is not text"
        reading.journal.report(cannot_read(part.source, why, "unpack or convert it, or leave it out"))
    else:
        reading.journal.skip(part.source, reason, is_explicit=part.is_explicit)
    return None


def _read_text(part: Part, text: ByteStream, reading: Reading) -> Iterator[Block]:
    try:
        yield from in_time_order(_cut_text(part, text, reading), part.source, reading)
    except BrokenInputError as error:  # no room to turn it around
        reading.journal.report(error.problem)


def _cut_text(part: Part, text: ByteStream, reading: Reading) -> Iterator[Block]:
    limits = reading.limits
    origin = Origin(source=part.source, cluster=reading.cluster)
    kind = sniff(text.peek(limits.head_bytes))
    if kind is not DocumentKind.LINES:
        yield from blocks_of_entries(split_document(kind, text), origin, part.modified_at, limits)
        return
    cutter = LineCutter(limits.block_bytes, limits.max_line_bytes)
    yield from blocks_of_lines(text, origin, part.modified_at, cutter)
    if cutter.cut_line_count:
        note = f"{cutter.cut_line_count} lines longer than {limits.max_line_bytes} bytes were cut"
        reading.journal.note(part.source, note)


def _end_last_line(blocks: Iterator[Block]) -> Iterator[Block]:
    """End the last line of a part that is followed by another: the two do not belong together."""
    for block in blocks:
        yield block if block.data.endswith(b"\n") else msgspec.structs.replace(block, data=block.data + b"\n")
