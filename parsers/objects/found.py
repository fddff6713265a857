"""What is found in a file of objects."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.seen import AnyFacts


class UnreadableObject(msgspec.Struct, frozen=True):
    """A part of a file that is no object."""

    line: int
    why: str


class UnknownObject(msgspec.Struct, frozen=True):
    """An object of a kind that explains nothing here: counted."""

    api_version: str
    kind: str


class FoundObject(msgspec.Struct, frozen=True):
    """An object of a file."""

    facts: AnyFacts
    line: int  # where its document begins
    newest_at: datetime | None = None  # the newest time that its own document says something happened at
    is_deleted: bool = False  # a watch saw it go


Found = FoundObject | UnknownObject | UnreadableObject
