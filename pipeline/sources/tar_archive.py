"""Reads the logs of a tar archive in one sequential pass.

Which members are parts of one rotated log has to be known before the first of them is delivered, and tar has no
directory. So the headers are walked once before; that costs decompressing twice, but no disk. Only the members of
rotated logs, which may stand in any order, are copied to temporary files.
"""

from __future__ import annotations

import tarfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Self, cast

import msgspec

from pipeline.sources.byte_stream import ByteStream, until_broken
from pipeline.sources.journal import BrokenInputError, cannot_read, read_in_part
from pipeline.sources.layers import Reading, peel
from pipeline.sources.local import READ_BYTES, stored_part
from pipeline.sources.members import MemberGate, utc_of
from pipeline.sources.parts import Part, PartGroup

_BUFFER_BYTES = 1024 * 1024
_MAX_HEADER_BYTES = 1024 * 1024
"""Names and extended headers are read into memory as a whole; real ones have some hundred bytes."""

_HEADER_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class _DamagedError(Exception):
    """A tar header is wrong. `tarfile` itself takes such a header for the end of the archive."""


class _StrictHeader(tarfile.TarInfo):
    """A header that does not overlook damage."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):
                raise _DamagedError(str(error)) from error
            raise  # the end of the archive
        if header.size < 0 or (header.type in _HEADER_TYPES and header.size > _MAX_HEADER_BYTES):
            raise _DamagedError(f"a header claims {header.size} bytes")
        return header


class _Member(msgspec.Struct, frozen=True):
    source: str
    header: tarfile.TarInfo
    archive: tarfile.TarFile


def tar_groups(part: Part, reading: Reading) -> Iterator[PartGroup]:
    """Give the logs of an archive, one after the other: each is to be read before the next is asked for.

    Args:
        part: the archive, perhaps compressed, that can be opened twice.
        reading: limits, journal and room for temporary files.
    """
    with reading.journal.progress.paused(), closing(_walk(part, reading)) as members:
        sources = [member.source for member in members]
    sets = MemberGate(part.source, reading).group(sources)
    shelves: dict[int, _Shelf] = {}
    for rotated in sets:
        shelf = _Shelf(rotated.name, rotated.parts)
        shelves.update(dict.fromkeys(rotated.parts, shelf))
    with closing(_walk(part, reading)) as members:
        for position, member in enumerate(members):
            if position not in shelves:
                continue  # a copy
            shelf = shelves.pop(position)
            if shelf.is_single:
                yield PartGroup(member.source, (_member_part(member),))
            elif shelf.put(position, member, reading):
                yield from shelf.clear()
    for shelf in dict.fromkeys(shelves.values()):  # the archive broke off before they were complete
        yield from shelf.clear()


class _Shelf:
    """Where the parts of one rotated log wait until all of them have come."""

    def __init__(self, name: str, positions: tuple[int, ...]) -> None:
        self._name = name
        self._positions = positions  # oldest first
        self._awaited = set(positions)
        self._stored: dict[int, tuple[Part, Path]] = {}

    @property
    def is_single(self) -> bool:
        """The log was not rotated."""
        return len(self._positions) == 1

    def put(self, position: int, member: _Member, reading: Reading) -> bool:
        """Copy a member to a temporary file; True when it was the last one that was missing."""
        self._awaited.discard(position)
        chunks = until_broken(_read_member(member), reading.journal)
        try:
            path = reading.workspace.spool(member.source, chunks)
            self._stored[position] = (stored_part(_member_part(member), path), path)
        except BrokenInputError as error:  # no room for it; the rest can be read all the same
            reading.journal.report(error.problem)
        return not self._awaited

    def clear(self) -> Iterator[PartGroup]:
        """Give the log, then delete the temporary files."""
        stored = [self._stored[position] for position in self._positions if position in self._stored]
        if stored:
            yield PartGroup(self._name, tuple(part for part, _ in stored))
        for _, path in stored:
            path.unlink(missing_ok=True)
        self._stored.clear()


def _walk(part: Part, reading: Reading) -> Generator[_Member]:
    """Go through the members that may be read. What is wrong goes to the journal, and ends the walk."""
    gate = MemberGate(part.source, reading)
    try:
        with part.open() as raw:
            # Of a file object, tarfile uses nothing but `read` in this mode.
            stream = ByteStream(until_broken(peel(raw, part.source, reading).stream, reading.journal))
            with tarfile.open(
                fileobj=cast("IO[bytes]", stream),
                mode="r|",
                bufsize=_BUFFER_BYTES,
                tarinfo=_StrictHeader,
                errors="surrogateescape",
            ) as archive:
                yield from _members(archive, gate, reading)
    except BrokenInputError as error:
        reading.journal.report(error.problem)
    except (tarfile.TarError, _DamagedError, ValueError, OverflowError, EOFError) as error:
        if not reading.journal.has_problem(part.source):  # a damaged compression has been reported already
            why = f"the tar archive is damaged or ends too early ({error})"
            reading.journal.report(read_in_part(part.source, why, "copy the file again or restore it"))


def _members(archive: tarfile.TarFile, gate: MemberGate, reading: Reading) -> Iterator[_Member]:
    while (header := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined] # otherwise every header is kept
        source = None if header.isdir() else gate.admit(header.name, is_regular=header.isreg())
        if source is None:
            continue
        if header.issparse():
            why = "it is stored as a sparse file"
            reading.journal.report(cannot_read(source, why, "unpack the archive and give the directory"))
            continue
        yield _Member(source, header, archive)


def _member_part(member: _Member) -> Part:
    @contextmanager
    def open_member() -> Iterator[ByteStream]:
        yield ByteStream(_read_member(member))

    modified_at = utc_of(member.header.mtime)
    return Part(member.source, open_member, modified_at=modified_at, size_bytes=member.header.size)


def _read_member(member: _Member) -> Iterator[bytes]:
    """Read a member straight off the stream: `extractfile` throws away what it has when the archive breaks off."""
    file = member.archive.fileobj
    assert file is not None  # the archive is open
    file.seek(member.header.offset_data)
    left = member.header.size
    while left:
        chunk = file.read(min(left, READ_BYTES))
        if not chunk:
            size = member.header.size - left
            why = f"the archive ends before the end of this member; {size} bytes of it were read"
            describe = read_in_part if size else cannot_read
            raise BrokenInputError(describe(member.source, why, "copy the archive again"))
        left -= len(chunk)
        yield chunk
