"""Takes the compressions off a file, one after the other, and tells whether an archive is below."""

from __future__ import annotations

import enum

import msgspec

from pipeline.sources.byte_stream import ByteStream
from pipeline.sources.compression import decompress, find_codec
from pipeline.sources.contents import is_tar, is_zip
from pipeline.sources.journal import BrokenInputError, Journal, ReadLimits, cannot_read
from pipeline.sources.workspace import Workspace


class Reading(msgspec.Struct, frozen=True):
    """What every stage of reading needs."""

    limits: ReadLimits
    journal: Journal
    workspace: Workspace
    cluster: str = ""


class ArchiveKind(enum.Enum):
    """What holds files inside."""

    TAR = "tar"
    ZIP = "zip"


class Peeled(msgspec.Struct, frozen=True):
    """A file without its compressions."""

    stream: ByteStream
    archive: ArchiveKind | None
    layer_count: int


def peel(stream: ByteStream, source: str, reading: Reading) -> Peeled:
    """Decompress as often as the bytes say.

    Raises:
        BrokenInputError: it is compressed more often than any tool does.
    """
    limits = reading.limits
    for layer_count in range(limits.max_compression_layers + 1):
        head = stream.peek(limits.head_bytes)
        codec = find_codec(head)
        if codec is None:
            return Peeled(stream, _find_archive(head), layer_count)
        stream = ByteStream(decompress(stream, codec, source, limits, reading.journal))
    why = f"it is compressed more than {limits.max_compression_layers} times over"
    raise BrokenInputError(cannot_read(source, why, "unpack it yourself if you trust it"))


def _find_archive(head: bytes) -> ArchiveKind | None:
    if is_zip(head):
        return ArchiveKind.ZIP
    return ArchiveKind.TAR if is_tar(head) else None
