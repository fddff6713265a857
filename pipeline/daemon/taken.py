"""Who is told of what was read: for metrics and the log."""

from __future__ import annotations

from typing import Protocol

from parsers.events import Event
from pipeline.readers import ReadCounts


class Taken(Protocol):
    """Is told of every event that goes into the engine, and of those that are refused."""

    def event(self, event: Event) -> None:
        """It was taken."""
        ...

    def refused(self, event: Event) -> None:
        """It claims to be of a controller, and its origin is none."""
        ...

    def lines(self, counts: ReadCounts) -> None:
        """Lines were read, and what they gave was committed."""
        ...
