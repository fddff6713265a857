"""What the daemon asks of a source that never ends: Kafka, pod logs, objects of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from parsers.facts.references import ServiceRef
from parsers.facts.seen import ObjectEvent
from parsers.records import Block
from pipeline.store.records import Gap, Quarantined


class Fetched(msgspec.Struct, frozen=True):
    """What one read gave of one stream, in its order."""

    stream: str
    blocks: tuple[Block, ...]  # by origin; `line_numbers` holds each line's offset: lines of one record share one
    next_line: int  # offset behind the last record read, whatever became of it
    newest_at_seconds: float | None = None  # the broker's or the pod log's time of the last record, seconds since 1970
    quarantined: tuple[Quarantined, ...] = ()
    gaps: tuple[Gap, ...] = ()
    is_over: bool = False  # nothing will ever come again, the pod is gone: in the end its position is deleted
    objects: tuple[ObjectEvent, ...] = ()  # what a watch of objects has seen; `line` numbers them as offsets do records


class StreamLag(msgspec.Struct, frozen=True):
    """How far reading is behind one stream; None: not known yet."""

    records: int | None
    seconds: float | None


class SourceStatus(msgspec.Struct, frozen=True):
    """How a source is doing. Safe to read from any thread."""

    is_connected: bool
    is_caught_up: bool  # everything that the source held a moment ago was handed out
    lags: Mapping[str, StreamLag]
    problem: str = ""  # newest trouble, in a sentence without secrets; empty: none
    told_until_seconds: float | None = None  # all that happened until then was handed out; since 1970; None: not known
    unread: tuple[str, ...] = ()  # what a missing right keeps from being read, a sentence with the rule each; sorted
    nobody: str = ""  # there is nobody to be read where that is looked for, in a sentence; empty: there is somebody
    is_refused: bool = False  # a log that may not be read is among that: its silence shows nothing


@runtime_checkable
class AttentiveSource(Protocol):
    """A source that can look closer where something fails. Safe to use from any thread."""

    def look_at(self, cluster: str, service: ServiceRef) -> None:
        """The certificate of this Service is refused."""
        ...


class LiveSource(Protocol):
    """Used by one thread, but for `status`. Positions are the store's: a source keeps none of its own."""

    @property
    def name(self) -> str:
        """As in the configuration; positions are stored under it."""
        ...

    def start(self, positions: Mapping[str, bytes]) -> None:
        """Read on from these positions (by stream), dropping everything that was fetched and not handed out.

        Also called after a failed commit.

        Raises:
            SourceError: The source cannot be used: wrong password, no such topic, missing rights; the reason is named.
        """
        ...

    def read(self, timeout_seconds: float) -> Fetched | None:
        """The next records of one stream; None where nothing came in this time. An outage is silence, not an error."""
        ...

    def position(self, stream: str, line: int) -> bytes:
        """What to store so that reading the stream goes on with this line."""
        ...

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        """These lines (by stream) are the next to be read, says the store: for the lag tools of operators."""
        ...

    def status(self) -> SourceStatus:
        """How it is doing now."""
        ...

    def close(self) -> None:
        """Let go of connections, within seconds."""
        ...
