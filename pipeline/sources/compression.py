"""Compressed chunks -> plain chunks. The format is told by its first bytes, never by a name.

Every decompressor gives its output in bounded pieces, and the output is held against what was put in: a bomb is
noticed after some megabytes, before it fills memory or the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from pipeline.sources.decoders import DecodingError, start_bz2, start_gzip, start_lz4, start_xz, start_zstd
from pipeline.sources.journal import BrokenInputError, InputProblem, Journal, ReadLimits, cannot_read, read_in_part

_PIECE_BYTES = 1024 * 1024


class Decoder(Protocol):
    """One member of a compressed file; all our formats may hold several, one after the other."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take `data`, give at most about `max_length` bytes. Raises DecodingError."""
        ...

    @property
    def needs_input(self) -> bool:
        """Nothing more comes out without more input."""
        ...

    @property
    def eof(self) -> bool:
        """The member ended, and what came after it is in `unused_data`."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end of the member."""
        ...


class Codec(msgspec.Struct, frozen=True):
    """One compression format."""

    name: str
    magic: bytes
    start: Callable[[ReadLimits], Decoder]
    feed_bytes: int = 64 * 1024  # input of one call


CODECS: tuple[Codec, ...] = (
    Codec("gzip", b"\x1f\x8b", start_gzip),
    # python-zstandard bounds its output by the input of a call only: 4 KiB can become 128 MiB, not more.
    Codec("zstd", b"\x28\xb5\x2f\xfd", start_zstd, feed_bytes=4 * 1024),
    Codec("bzip2", b"BZh", start_bz2),
    Codec("xz", b"\xfd7zXZ\x00", start_xz),
    Codec("lz4", b"\x04\x22\x4d\x18", start_lz4),
)

_SKIPPABLE_FRAME = b"\x2a\x4d\x18"
"""Behind a byte 0x50 to 0x5f: a frame without content, with which pzstd begins its files."""

_ZSTD = CODECS[1]
_MAGIC_BYTES = max(len(codec.magic) for codec in CODECS)


def find_codec(head: bytes) -> Codec | None:
    """Return the format whose file begins with `head`, or None."""
    if head[1:4] == _SKIPPABLE_FRAME and head[0] & 0xF0 == 0x50:
        return _ZSTD
    return next((codec for codec in CODECS if head.startswith(codec.magic)), None)


class Growth:
    """Holds what came out against what went in.

    Args:
        source: what is being unpacked, for the message.
        format_name: its format, for the message.
        limits: how much may come out.
        taken_bytes: what went in; it may be added to.
    """

    def __init__(self, source: str, format_name: str, limits: ReadLimits, taken_bytes: int = 0) -> None:
        self._source = source
        self._format_name = format_name
        self._limits = limits
        self.taken_bytes = taken_bytes
        self.given_bytes = 0

    def count(self, size: int) -> None:
        """Count output.

        Raises:
            BrokenInputError: it is too much.
        """
        self.given_bytes += size
        limits = self._limits
        if self.given_bytes > limits.max_total_bytes:
            why = f"it grows beyond {limits.max_total_bytes} bytes when decompressed"
            raise self.broken(why, "raise the limit if it is honest")
        if self.given_bytes > max(limits.ratio_free_bytes, self.taken_bytes * limits.max_ratio):
            why = f"{self.taken_bytes} bytes of {self._format_name} became {self.given_bytes}, as in a bomb"
            raise self.broken(why, "unpack it yourself if you trust it")

    def broken(self, why: str, advice: str) -> BrokenInputError:
        """Make the error that ends reading."""
        describe = read_in_part if self.given_bytes else cannot_read
        return BrokenInputError(describe(self._source, why, advice))


def decompress(
    chunks: Iterable[bytes], codec: Codec, source: str, limits: ReadLimits, journal: Journal
) -> Iterator[bytes]:
    """Decompress all members of a file.

    Raises:
        BrokenInputError: the file is damaged, ends too early or grows too much; after all that could be read.
    """
    growth = Growth(source, codec.name, limits)
    decoder: Decoder | None = None
    held = b""  # the beginning of a next member, too short to be told from garbage
    for piece in _pieces(chunks, codec.feed_bytes):
        growth.taken_bytes += len(piece)
        rest, held = held + piece, b""
        while rest:
            if decoder is None:
                rest = rest.lstrip(b"\0")  # padding, of xz and of tapes
                if len(rest) < _MAGIC_BYTES:
                    held = rest
                    break
                if find_codec(rest) is not codec:
                    journal.report(_trailing_garbage(source, codec, growth))
                    return
                decoder = codec.start(limits)
            yield from _drain(decoder, rest, growth, codec)
            rest = decoder.unused_data if decoder.eof else b""
            decoder = None if decoder.eof else decoder
    if held and not codec.magic.startswith(held):
        journal.report(_trailing_garbage(source, codec, growth))
    elif held or decoder is not None:
        raise growth.broken(
            f"it ends before the end of the {codec.name} stream; {growth.given_bytes} bytes were read",
            "copy the file again, or wait until it is complete",
        )


def _drain(decoder: Decoder, data: bytes, growth: Growth, codec: Codec) -> Iterator[bytes]:
    """Put `data` in and take out all that comes of it, in bounded pieces."""
    while True:
        try:
            piece = decoder.decompress(data, _PIECE_BYTES)
        except DecodingError as error:
            why = f"its {codec.name} stream is damaged ({error}); {growth.given_bytes} bytes were read"
            raise growth.broken(why, "copy the file again or restore it") from error
        if piece:
            growth.count(len(piece))
            yield piece
        if decoder.eof or decoder.needs_input:
            return
        data = b""


def _trailing_garbage(source: str, codec: Codec, growth: Growth) -> InputProblem:
    why = f"what follows the {codec.name} stream is something else; {growth.given_bytes} bytes were read before it"
    return read_in_part(source, why, "copy the file again if something is missing")


def _pieces(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut chunks so that one call of a decompressor gets no more than it should."""
    for chunk in chunks:
        if len(chunk) <= size:
            yield chunk
        else:
            for start in range(0, len(chunk), size):
                yield chunk[start : start + size]
