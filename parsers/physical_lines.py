"""The physical lines of a stream of chunks, with their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

MAX_ENTRY_BYTES: Final = 4 << 20
"""What is kept of one line or entry; longer ones are cut."""

NumberedLine = tuple[int, bytes]
"""Number of the first physical line, from 1, and the bytes without the line feed."""


def split_lines(chunks: Iterable[bytes]) -> Iterator[NumberedLine]:
    """Give every line of the chunks, each at most `MAX_ENTRY_BYTES` long."""
    number = 1
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield number, line[:MAX_ENTRY_BYTES]
            number += 1
        rest = rest[: MAX_ENTRY_BYTES + 1]
    if rest:
        yield number, rest[:MAX_ENTRY_BYTES]
