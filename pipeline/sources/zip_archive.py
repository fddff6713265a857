"""Reads the logs of a zip archive, entry by entry."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from pipeline.sources.byte_stream import ByteStream
from pipeline.sources.compression import Growth
from pipeline.sources.journal import BrokenInputError, cannot_read, describe_os_error, read_in_part
from pipeline.sources.layers import Reading
from pipeline.sources.members import MemberGate, utc_of
from pipeline.sources.parts import Part, PartGroup

_PIECE_BYTES = 1024 * 1024
_ENCRYPTED_FLAG = 0x1
_UNIX_TIME_EXTRA = 0x5455  # Info-ZIP's: seconds since the epoch, where the classic field has local time without a zone
_HAS_MODIFICATION_TIME = 0x1

_READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others are rare, and `zipfile` does not bound what comes out of them in one step."""


class _Archive(msgspec.Struct, frozen=True):
    file: zipfile.ZipFile
    growth: Growth  # of the whole archive: entries may overlap, so each alone proves nothing
    reading: Reading
    is_counted: bool


def zip_groups(part: Part, reading: Reading) -> Iterator[PartGroup]:
    """Give the logs of an archive.

    Args:
        part: the archive, on a local disk.
        reading: limits and journal.

    Raises:
        BrokenInputError: it has no directory, so it is damaged or ends too early; or too many members.
    """
    with _open_zip(part, reading) as archive:
        gate = MemberGate(part.source, reading)
        entries = archive.file.infolist()
        parts = [member for entry in entries if (member := _entry_part(entry, gate, archive)) is not None]
        for rotated in gate.group([member.source for member in parts]):
            yield PartGroup(rotated.name, tuple(parts[position] for position in rotated.parts))


@contextmanager
def _open_zip(part: Part, reading: Reading) -> Iterator[_Archive]:
    assert part.path is not None  # the caller has put it there
    try:
        size = part.path.stat().st_size
        file = zipfile.ZipFile(part.path)
    except OSError as error:
        raise BrokenInputError(describe_os_error(part.source, error)) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        why = f"the zip archive is damaged or ends too early ({str(error).lower()})"
        raise BrokenInputError(cannot_read(part.source, why, "copy the file again or restore it")) from error
    with file:
        growth = Growth(part.source, "zip", reading.limits, size)
        yield _Archive(file, growth, reading, is_counted=part.size_bytes is not None)


def _entry_part(entry: zipfile.ZipInfo, gate: MemberGate, archive: _Archive) -> Part | None:
    mode = stat.S_IFMT(entry.external_attr >> 16)
    source = None if entry.is_dir() else gate.admit(entry.filename, is_regular=mode in (0, stat.S_IFREG))
    if source is None:
        return None
    problem = None
    if entry.flag_bits & _ENCRYPTED_FLAG:
        problem = cannot_read(source, "it is encrypted", "unpack the archive with its password")
    elif entry.compress_type not in _READABLE_METHODS:
        why = f"compression method {entry.compress_type} of zip is not read"
        problem = cannot_read(source, why, "unpack the archive")
    if problem is not None:
        archive.reading.journal.report(problem)
        return None
    return Part(
        source,
        lambda: _open_entry(source, entry, archive),
        modified_at=_modified_at(entry),
        size_bytes=entry.compress_size,
    )


@contextmanager
def _open_entry(source: str, entry: zipfile.ZipInfo, archive: _Archive) -> Iterator[ByteStream]:
    try:
        file = archive.file.open(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        why = f"the zip archive is damaged ({str(error).lower()})"
        raise BrokenInputError(cannot_read(source, why, "copy the archive again or restore it")) from error
    with file:
        assert isinstance(file, zipfile.ZipExtFile)
        yield ByteStream(_read_entry(source, file, archive.growth))
    if archive.is_counted:
        archive.reading.journal.progress.advance(entry.compress_size)


def _read_entry(source: str, file: zipfile.ZipExtFile, growth: Growth) -> Iterator[bytes]:
    size = 0
    while True:
        try:
            chunk = file.read1(_PIECE_BYTES)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            why = f"the zip archive is damaged ({str(error).lower() or 'ends too early'}); {size} bytes were read"
            describe = read_in_part if size else cannot_read
            raise BrokenInputError(describe(source, why, "copy the archive again or restore it")) from error
        if not chunk:
            return
        size += len(chunk)
        growth.count(len(chunk))
        yield chunk


def _modified_at(entry: zipfile.ZipInfo) -> datetime | None:
    """Return an entry's time; where it has only local time without a zone, UTC is assumed."""
    extra = entry.extra
    while len(extra) >= 4:  # a field's head: two bytes of kind, two of size
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _UNIX_TIME_EXTRA and size >= 5 and len(extra) >= 9 and extra[4] & _HAS_MODIFICATION_TIME:
            return utc_of(struct.unpack_from("<i", extra, 5)[0])
        extra = extra[4 + size :]
    try:
        return datetime(*entry.date_time, tzinfo=UTC)
    except ValueError:
        return None
