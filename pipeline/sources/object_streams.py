"""Files of Kubernetes objects: read whole, because only a whole document says what it holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from parsers.records import Origin
from pipeline.sources.byte_stream import ByteStream
from pipeline.sources.journal import Journal, read_in_part
from pipeline.sources.layers import Reading
from pipeline.sources.parts import Part


class ObjectStream:
    """One file of objects, of events as a table or of descriptions."""

    def __init__(
        self, origin: Origin, received_at: datetime | None, read: Callable[[], bytes], journal: Journal
    ) -> None:
        self.origin = origin
        self.received_at = received_at  # when the file was last written
        self._read = read
        self._journal = journal

    def read(self) -> bytes:
        """Read the file, once, before the next stream is asked for. Problems go to the journal."""
        return self._read()

    def report_unreadable(self, count: int, line: int, why: str) -> None:
        """Say that parts of it are no objects."""
        parts = "a part" if count == 1 else f"{count} parts"
        text = f"{parts} of it cannot be read as an object, the first in line {line}: {why}"
        self._journal.report(read_in_part(self.origin.source, text, "get the objects again"))


def open_objects(part: Part, text: ByteStream, reading: Reading) -> ObjectStream:
    """Make a stream of a decoded part that holds objects."""
    origin = Origin(source=part.source, cluster=reading.cluster)
    return ObjectStream(origin, part.modified_at, lambda: _read_whole(part, text, reading), reading.journal)


def _read_whole(part: Part, text: ByteStream, reading: Reading) -> bytes:
    limit = reading.limits.max_object_bytes
    data = text.read(limit)
    if text.peek(1):
        why = f"it has more than {limit} bytes, which is more than is read of objects"
        reading.journal.report(read_in_part(part.source, why, "get fewer kinds or namespaces into one file"))
    return data
