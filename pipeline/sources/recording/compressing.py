"""Compression of a file that is only added to: in members that end every few MiB, flushed whenever it is asked for.

What was flushed can be read whatever happens next. Where a member was cut, all members before it are whole.
"""

from __future__ import annotations

import zlib
from typing import Protocol

import zstandard

MEMBER_BYTES = 4 * 1024 * 1024
"""Of text: so much has to be read and written anew after a crash, at most."""


class Compressor(Protocol):
    """Text in, what is to be stored out."""

    def add(self, text: bytes) -> bytes:
        """Take more text."""
        ...

    def flush(self) -> bytes:
        """Everything taken can be read when this is stored."""
        ...

    def end(self) -> bytes:
        """End the member, if one has begun."""
        ...


class Plain:
    """No compression."""

    def add(self, text: bytes) -> bytes:
        """The text."""
        return text

    def flush(self) -> bytes:
        """Nothing is held back."""
        return b""

    def end(self) -> bytes:
        """There are no members."""
        return b""


class _Member(Protocol):
    def add(self, text: bytes) -> bytes: ...
    def flush(self) -> bytes: ...
    def end(self) -> bytes: ...


class _GzipMember:
    def __init__(self) -> None:
        self._stream = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)

    def add(self, text: bytes) -> bytes:
        return self._stream.compress(text)

    def flush(self) -> bytes:
        return self._stream.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._stream.flush(zlib.Z_FINISH)


class _ZstdFrame:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor().compressobj()

    def add(self, text: bytes) -> bytes:
        return self._stream.compress(text)

    def flush(self) -> bytes:
        return self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self) -> bytes:
        return self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)


class Members:
    """Gzip members or zstd frames, one behind the other."""

    def __init__(self, start: type[_GzipMember | _ZstdFrame]) -> None:
        self._start = start
        self._member: _Member | None = None
        self._size = 0  # text in it
        self._is_flushed = True

    def add(self, text: bytes) -> bytes:
        """Take more text."""
        if self._member is None:
            self._member, self._size = self._start(), 0
        self._size += len(text)
        self._is_flushed = False
        return self._member.add(text)

    def flush(self) -> bytes:
        """Everything taken can be read when this is stored."""
        if self._member is None or self._is_flushed:
            return b""
        if self._size >= MEMBER_BYTES:
            return self.end()
        self._is_flushed = True
        return self._member.flush()

    def end(self) -> bytes:
        """End the member, if one has begun."""
        if self._member is None:
            return b""
        member, self._member = self._member, None
        return member.end()


COMPRESSED = (".gz", ".zst")
"""Ends of names of files that are compressed."""


def compressor_for(suffix: str) -> Compressor:
    """By the end of a file's name."""
    match suffix:
        case ".gz":
            return Members(_GzipMember)
        case ".zst":
            return Members(_ZstdFrame)
        case _:
            return Plain()
