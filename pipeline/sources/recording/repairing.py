"""Where a file that a killed process was adding to can be added to again: behind its last whole record."""

from __future__ import annotations

import os

import msgspec

from pipeline.sources.compression import Codec, Decoder, find_codec
from pipeline.sources.decoders import DecodingError
from pipeline.sources.journal import ReadLimits
from pipeline.sources.recording.records import is_recording

_CHUNK_BYTES = 64 * 1024
_PIECE_BYTES = 1024 * 1024
_MAX_TAIL_BYTES = 64 * 1024 * 1024
"""A cut member that is larger was not written by us."""


class Place(msgspec.Struct, frozen=True):
    """Where to go on."""

    size_bytes: int  # what is kept of the file
    text: bytes = b""  # to be written behind it: what could be saved of a compressed member that was cut


class NotARecordingError(Exception):
    """The file holds something else, in words."""


def find_place(handle: int, codec_name: str) -> Place:
    """Where to go on in a file that is open for reading; `codec_name` is empty where it is to be plain.

    Raises:
        NotARecordingError: It is no recording, or one that is compressed in another way.
        OSError: It cannot be read.
    """
    size_bytes = os.fstat(handle).st_size
    if not size_bytes:
        return Place(0)
    codec = find_codec(os.pread(handle, _CHUNK_BYTES, 0))
    if (codec.name if codec is not None else "") != codec_name:
        raise NotARecordingError(f"what it holds is {codec.name if codec is not None else 'not compressed'}")
    return _in_plain(handle, size_bytes) if codec is None else _in_compressed(handle, size_bytes, codec)


def _in_plain(handle: int, size_bytes: int) -> Place:
    if not is_recording(os.pread(handle, _CHUNK_BYTES, 0)):
        raise NotARecordingError("it holds something else")
    end = size_bytes
    while end > 0:
        start = max(0, end - _CHUNK_BYTES)
        feed = os.pread(handle, end - start, start).rfind(b"\n")
        if feed >= 0:
            return Place(start + feed + 1)
        end = start
    return Place(0)


def _in_compressed(handle: int, size_bytes: int, codec: Codec) -> Place:
    walk = _Walk(codec)
    offset = 0
    while offset < size_bytes and not walk.is_damaged:
        data = os.pread(handle, _CHUNK_BYTES, offset)
        offset += len(data)
        walk.feed(data)
    if not is_recording(walk.head):
        raise NotARecordingError("it holds something else")
    if walk.is_damaged and walk.tail_bytes > _MAX_TAIL_BYTES:
        raise NotARecordingError("its end is damaged")
    return walk.place()


class _Walk:
    """Goes through the members of a file."""

    def __init__(self, codec: Codec) -> None:
        self.head = b""
        self.is_damaged = False
        self.tail_bytes = 0  # of text in the member that has not ended
        self._codec = codec
        self._decoder: Decoder | None = None
        self._tail: list[bytes] = []
        self._whole_bytes = 0  # of the file, up to the end of the last whole member
        self._fed_bytes = 0

    def feed(self, data: bytes) -> None:
        """The next bytes of the file."""
        self._fed_bytes += len(data)
        for start in range(0, len(data), self._codec.feed_bytes):
            self._feed_piece(data[start : start + self._codec.feed_bytes], len(data) - start)

    def _feed_piece(self, piece: bytes, left: int) -> None:
        rest = piece
        while rest and not self.is_damaged:
            self._decoder = self._decoder or self._codec.start(ReadLimits())
            if not self._decode(self._decoder, rest):
                return
            rest = self._decoder.unused_data if self._decoder.eof else b""
            if self._decoder.eof:
                self._whole_bytes = self._fed_bytes - left + len(piece) - len(rest)
                self._decoder, self._tail, self.tail_bytes = None, [], 0

    def _decode(self, decoder: Decoder, data: bytes) -> bool:
        while True:
            try:
                text = decoder.decompress(data, _PIECE_BYTES)
            except DecodingError:
                self.is_damaged = True
                return False
            self._keep(text)
            if decoder.eof or decoder.needs_input:
                return True
            data = b""

    def _keep(self, text: bytes) -> None:
        if len(self.head) < _CHUNK_BYTES:
            self.head += text[:_CHUNK_BYTES]
        self.tail_bytes += len(text)
        if self.tail_bytes <= _MAX_TAIL_BYTES:
            self._tail.append(text)

    def place(self) -> Place:
        """Behind the last whole member, with the whole lines of the one that was cut."""
        tail = b"".join(self._tail)
        return Place(self._whole_bytes, tail[: tail.rfind(b"\n") + 1])
