"""What is stored of one object."""

from __future__ import annotations

import msgspec

from parsers.facts.references import ObjectRef
from pipeline.engine.inventory import Seen
from pipeline.engine.object_changes import Change


class ObjectMemory(msgspec.Struct, frozen=True, tag="object"):
    """The newest versions of one object."""

    ref: ObjectRef
    history: list[Seen]  # empty: it was deleted
    changes: list[Change] = []  # that a watch saw, oldest first
    is_watched: bool = False  # its newest version was shown by a watch
    gone: Seen | None = None  # when it was deleted, and what it was
