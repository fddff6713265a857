"""Chunks in the file's encoding -> chunks of UTF-8 with plain line feeds."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from pipeline.sources.byte_stream import ByteStream

UTF16_MARKS: dict[bytes, str] = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""Windows PowerShell writes UTF-16 with such a mark when output is redirected with `>`."""


def to_utf8(stream: ByteStream) -> Iterator[bytes]:
    """Decode by the byte order mark, drop it, and end every line with a line feed alone.

    What cannot be decoded becomes U+FFFD. Without a mark the bytes pass as they are: UTF-8 or near enough.
    """
    chunks: Iterable[bytes] = _without_leading_nuls(stream)
    mark = stream.peek(3)
    if mark[:2] in UTF16_MARKS:
        chunks = _from_utf16(stream, UTF16_MARKS[mark[:2]])
    elif mark == codecs.BOM_UTF8:
        stream.read(3)
        chunks = stream
    return _with_line_feeds(chunks)


def _from_utf16(stream: ByteStream, encoding: str) -> Iterator[bytes]:
    stream.read(2)
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")  # keeps halves of a pair between chunks
    for chunk in stream:
        yield decoder.decode(chunk).encode()
    rest = decoder.decode(b"", final=True).encode()
    if rest:
        yield rest


def _without_leading_nuls(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Drop the hole that logrotate's copytruncate leaves before what is written afterwards."""
    iterator = iter(chunks)
    for chunk in iterator:
        rest = chunk.lstrip(b"\0") if chunk[:1] == b"\0" else chunk
        if rest:
            yield rest
            break
    yield from iterator


def _with_line_feeds(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        if held or b"\r" in chunk:
            text = held + chunk
            held = b"\r" if text.endswith(b"\r") else b""  # its line feed may come with the next chunk
            text = text[: len(text) - len(held)]
            yield text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            yield chunk
    if held:
        yield b"\n"
