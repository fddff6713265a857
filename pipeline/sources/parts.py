"""A part: one thing that can be opened and read from its beginning, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import msgspec

from pipeline.sources.byte_stream import ByteStream


class Part(msgspec.Struct, frozen=True):
    """A file, a member of an archive, standard input or a remote object.

    Attributes:
        source: what the user is shown: the path as given, with "!/member" behind an archive.
        open: opens it. Raises BrokenInputError.
        path: where it lies on a local disk, unless it can be read only once.
        modified_at: when it was last written, aware UTC; None if nobody knows.
        size_bytes: its size as stored; None if it is not known before it is read.
        is_explicit: the user named this very file.
    """

    source: str
    open: Callable[[], AbstractContextManager[ByteStream]]
    path: Path | None = None
    modified_at: datetime | None = None
    size_bytes: int | None = None
    is_explicit: bool = False


class PartGroup(msgspec.Struct, frozen=True):
    """The parts of one log, oldest first: more than one where the log was rotated."""

    source: str  # the plain name
    parts: tuple[Part, ...]
    arguments: tuple[str, ...] = ()  # the path arguments that led here

    @property
    def size_bytes(self) -> int | None:
        """Size of all parts as stored; None if one of them is not known."""
        total = 0
        for part in self.parts:
            if part.size_bytes is None:
                return None
            total += part.size_bytes
        return total
