"""Opens what was found: a log becomes one stream, an archive becomes the streams of its members."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.sources.byte_stream import ByteStream, until_broken
from pipeline.sources.journal import BrokenInputError, cannot_read
from pipeline.sources.layers import ArchiveKind, Peeled, Reading, peel
from pipeline.sources.local import stored_part
from pipeline.sources.log_streams import InputStream, open_rotated, open_text
from pipeline.sources.parts import Part, PartGroup
from pipeline.sources.tar_archive import tar_groups
from pipeline.sources.zip_archive import zip_groups


def open_group(group: PartGroup, reading: Reading, depth: int = 0) -> Iterator[InputStream]:
    """Open one log, or the logs of one archive. What cannot be read goes to the journal.

    Args:
        group: what to open.
        reading: what every stage needs.
        depth: in how many archives it stands.
    """
    if len(group.parts) > 1:
        yield open_rotated(group, reading)
        return
    part = group.parts[0]
    progress = reading.journal.progress
    bytes_before = progress.read_bytes
    try:
        with part.open() as raw:
            raw.remember()
            peeled = peel(raw, part.source, reading)
            if peeled.archive is not None:
                if part.path is not None:
                    progress.read_bytes = bytes_before  # it is opened again; this was a look at its beginning
                yield from _open_archive(part, raw, peeled, reading, depth)
                return
            raw.forget()
            stream = open_text(part, peeled.stream, reading)
            if stream is not None:
                yield stream
    except BrokenInputError as error:
        reading.journal.report(error.problem)


def _open_archive(part: Part, raw: ByteStream, peeled: Peeled, reading: Reading, depth: int) -> Iterator[InputStream]:
    if depth >= reading.limits.max_archive_depth:
        why = f"it stands in {depth} archives, one in the other"
        raise BrokenInputError(cannot_read(part.source, why, "unpack the outer ones"))
    with _on_disk(part, raw, peeled, reading) as stored:
        groups = zip_groups(stored, reading) if peeled.archive is ArchiveKind.ZIP else tar_groups(stored, reading)
        for group in groups:
            yield from open_group(group, reading, depth + 1)


@contextmanager
def _on_disk(part: Part, raw: ByteStream, peeled: Peeled, reading: Reading) -> Iterator[Part]:
    """Give the archive as a file that can be opened again: itself where it is one, else a temporary copy.

    A tar is copied with its compression still on, which takes less room; a zip is read at random places, so it is
    copied without.
    """
    is_plain_zip = peeled.archive is ArchiveKind.ZIP and peeled.layer_count == 0
    if part.path is not None and (is_plain_zip or peeled.archive is ArchiveKind.TAR):
        raw.forget()
        yield part
        return
    if peeled.archive is ArchiveKind.TAR:
        raw.rewind()
        chunks = until_broken(raw, reading.journal)
    else:
        raw.forget()
        chunks = until_broken(peeled.stream, reading.journal)
    path = reading.workspace.spool(part.source, chunks)
    try:
        yield stored_part(part, path)
    finally:
        path.unlink(missing_ok=True)
