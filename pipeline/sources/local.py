"""Opens local files and standard input, and watches that they hold still while they are read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from pipeline.sources.byte_stream import ByteStream
from pipeline.sources.journal import (
    BrokenInputError,
    InputProblem,
    Journal,
    cannot_read,
    describe_os_error,
    read_in_part,
)
from pipeline.sources.parts import Part

READ_BYTES = 4 * 1024 * 1024

_REFUSED_KINDS: tuple[tuple[int, str], ...] = (
    (stat.S_IFCHR, "it is a character device"),
    (stat.S_IFBLK, "it is a block device"),
    (stat.S_IFSOCK, "it is a socket"),
)


def local_part(source: str, path: Path, status: os.stat_result, journal: Journal, *, is_explicit: bool) -> Part:
    """Describe a local file or FIFO that is known to exist."""
    is_regular = stat.S_ISREG(status.st_mode)
    return Part(
        source,
        lambda: _open_local(source, path, journal),
        path=path if is_regular else None,
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC) if is_regular else None,
        size_bytes=status.st_size if is_regular else None,
        is_explicit=is_explicit,
    )


def stdin_part(source: str, stream: BinaryIO, journal: Journal) -> Part:
    """Describe standard input. It is read as it comes and never closed."""

    @contextmanager
    def open_stdin() -> Iterator[ByteStream]:
        yield ByteStream(_read_chunks(source, stream, journal))

    return Part(source, open_stdin, is_explicit=True)


def stored_part(part: Part, path: Path) -> Part:
    """Describe the copy of `part` in a temporary file. What is read of it was counted when it was copied."""
    return msgspec.structs.replace(
        part, open=lambda: _open_local(part.source, path, Journal()), path=path, size_bytes=None
    )


def refuse_kind(source: str, mode: int) -> InputProblem | None:
    """Return the problem of a path that is no file, directory or FIFO; else None."""
    for kind, why in _REFUSED_KINDS:
        if stat.S_IFMT(mode) == kind:
            return cannot_read(source, why, "give a file, a directory, a FIFO or - for standard input")
    return None


@contextmanager
def _open_local(source: str, path: Path, journal: Journal) -> Iterator[ByteStream]:
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise BrokenInputError(describe_os_error(source, error)) from error
    with file:
        before = os.fstat(file.fileno())
        yield ByteStream(_read_file(source, file, before, journal))


def _read_file(source: str, file: BinaryIO, before: os.stat_result, journal: Journal) -> Iterator[bytes]:
    size = 0
    for chunk in _read_chunks(source, file, journal):
        size += len(chunk)
        yield chunk
    if stat.S_ISREG(before.st_mode):
        _report_change(source, size, before, os.fstat(file.fileno()), journal)


def _read_chunks(source: str, file: BinaryIO, journal: Journal) -> Iterator[bytes]:
    # read1 of a buffered standard input gives what is there; read would wait until all 4 MiB came together.
    read = getattr(file, "read1", file.read)
    size = 0
    while True:
        try:
            chunk = read(READ_BYTES)
        except OSError as error:
            problem = describe_os_error(source, error)
            raise BrokenInputError(read_in_part(source, problem.why, problem.advice) if size else problem) from error
        if not chunk:
            return
        size += len(chunk)
        journal.progress.advance(len(chunk))
        yield chunk


def _report_change(source: str, size: int, before: os.stat_result, after: os.stat_result, journal: Journal) -> None:
    """Say that the file was written to meanwhile: its last line may be half a line."""
    if after.st_size < size:
        why = f"it shrank from {size} to {after.st_size} bytes while it was read, as rotation by copying does"
        journal.report(read_in_part(source, why, "read a copy of it"))
    elif after.st_size > before.st_size:
        grown = after.st_size - before.st_size
        journal.note(source, f"grew by {grown} bytes while it was read; its last line may be incomplete")
    elif after.st_mtime_ns != before.st_mtime_ns:
        journal.note(source, "was written to while it was read")
