"""The decompressors of foreign libraries, each behind the same three attributes and one method."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Protocol

from pipeline.sources.journal import ReadLimits


class DecodingError(Exception):
    """The compressed bytes are wrong, in the words of the library."""


class _Bounded(Protocol):
    """What bz2, lzma and lz4 have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Wrapped:
    """A decompressor that bounds its output by itself."""

    def __init__(self, decoder: _Bounded, errors: tuple[type[Exception], ...]) -> None:
        self._decoder = decoder
        self._errors = errors

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return self._decoder.decompress(data, max_length)
        except self._errors as error:
            raise DecodingError(str(error).lower() or type(error).__name__) from error

    @property
    def needs_input(self) -> bool:
        return self._decoder.needs_input

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data or b""


class _Gzip:
    """One gzip member."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._is_full = False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            output = self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)
        except zlib.error as error:
            raise DecodingError(str(error).lower()) from error
        self._is_full = len(output) >= max_length
        return output

    @property
    def needs_input(self) -> bool:
        # A full piece may leave bytes inside zlib even when it took all input.
        return not self._decoder.unconsumed_tail and not self._is_full

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data


class _Zstd:
    """One zstd frame. The output of a call is bounded by its input only."""

    needs_input = True

    def __init__(self, max_window_bytes: int) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._decoder = zstandard.ZstdDecompressor(max_window_size=max_window_bytes).decompressobj()

    def decompress(self, data: bytes, max_length: int) -> bytes:
        del max_length
        try:
            return self._decoder.decompress(data)
        except self._error as error:
            raise DecodingError(str(error).lower()) from error

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data


def start_gzip(_limits: ReadLimits) -> _Gzip:
    """Begin a gzip member."""
    return _Gzip()


def start_zstd(limits: ReadLimits) -> _Zstd:
    """Begin a zstd frame."""
    return _Zstd(limits.max_memory_bytes)


def start_bz2(_limits: ReadLimits) -> _Wrapped:
    """Begin a bzip2 stream."""
    return _Wrapped(bz2.BZ2Decompressor(), (OSError, EOFError, ValueError))


def start_xz(limits: ReadLimits) -> _Wrapped:
    """Begin an xz stream."""
    decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=limits.max_memory_bytes)
    return _Wrapped(decoder, (lzma.LZMAError, EOFError, ValueError))


def start_lz4(_limits: ReadLimits) -> _Wrapped:
    """Begin an lz4 frame."""
    import lz4.frame

    return _Wrapped(lz4.frame.LZ4FrameDecompressor(), (RuntimeError, EOFError, ValueError))
