"""What the source asks of a Kafka client: small protocols, and what goes over them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec


class Partition(NamedTuple):
    """One partition: a stream."""

    topic: str
    number: int

    @property
    def stream(self) -> str:
        """Its name in the store and everywhere outside, as "topic/3"."""
        return f"{self.topic}/{self.number}"


class Record(Protocol):
    """A record as the client gives it."""

    @property
    def offset(self) -> int:
        """Its number in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, the producer's or the broker's; not positive: none."""
        ...

    @property
    def key(self) -> bytes | None:
        """What decided about the partition."""
        ...

    @property
    def value(self) -> bytes | None:
        """One line or several; None: a tombstone."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """What the producer added."""
        ...


class Topic(msgspec.Struct, frozen=True):
    """A topic as the brokers describe it."""

    id: str  # another one after the topic was deleted and made again; empty: brokers too old to tell
    partitions: frozenset[int]


class Bounds(msgspec.Struct, frozen=True):
    """What of a partition there is."""

    start: int  # offset of the oldest record that is kept
    end: int  # the offset that the next record will get


class Description(msgspec.Struct, frozen=True):
    """The topics that were asked for."""

    cluster_id: str
    topics: Mapping[str, Topic]
    problems: Mapping[str, str]  # by topic: missing, not allowed, …


class ClientTrouble(Exception):  # noqa: N818 (it is not raised out of the package)
    """The client cannot do what it was asked for now; it may work later. The text is a sentence without secrets."""


class UndecodableError(Exception):
    """Somewhere in the partitions being read stands a batch that cannot be decoded. The client must not be used on."""


class OutOfRangeError(Exception):
    """Positions at which there is nothing: before the oldest record, or behind the end.

    Args:
        positions: the positions that were asked for.
        continue_at: where the broker says that its log and what was read part ways, if it says so.
    """

    def __init__(self, positions: Mapping[Partition, int], continue_at: Mapping[Partition, int] | None = None) -> None:
        super().__init__(f"nothing at {dict(positions)}")
        self.positions = positions
        self.continue_at = continue_at or {}


class Reader(Protocol):
    """Reads partitions. Used by one thread."""

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Read these partitions and no others, from these offsets on."""
        ...

    def poll(self, timeout_seconds: float) -> Mapping[Partition, Sequence[Record]]:
        """The next records.

        Raises:
            OutOfRangeError: some positions are not there.
            UndecodableError: a batch cannot be decoded.
            ClientTrouble: something else.
        """
        ...

    def position(self, partition: Partition) -> int:
        """Where reading a partition goes on: behind its last record, and what stands there that is no record."""
        ...

    def end(self, partition: Partition) -> int | None:
        """The end of a partition as the last fetch showed it; None: nothing was fetched yet."""
        ...

    def close(self) -> None:
        """Let go of it, within a second or two."""
        ...


class Inspector(Protocol):
    """Asks the brokers. Safe to use from several threads. Every call may raise ClientTrouble."""

    def describe(self, topics: Collection[str] | None) -> Description:
        """These topics; None: all."""
        ...

    def bounds(self, partitions: Collection[Partition]) -> Mapping[Partition, Bounds]:
        """What there is; partitions without a leader are left out."""
        ...

    def offsets_at(self, partitions: Collection[Partition], at: datetime) -> Mapping[Partition, int | None]:
        """The first record at or after a time; None: there is none yet."""
        ...

    def last_of_batch(self, partition: Partition, offset: int) -> int | None:
        """Last offset of the batch that this offset is in; None: it cannot be told."""
        ...

    def note_positions(self, group: str, positions: Mapping[Partition, int]) -> None:
        """Commit positions to a group, for lag tools."""
        ...

    def close(self) -> None:
        """Let go of it, within a second or two."""
        ...


class Clients(Protocol):
    """Makes clients."""

    def check(self) -> None:
        """Find out whether one is let in.

        Raises:
            SourceError: One is not; the reason is named.
        """
        ...

    def open_reader(self, timeout_seconds: float) -> Reader:
        """A reader. Raises ClientTrouble."""
        ...

    def open_inspector(self, timeout_seconds: float) -> Inspector:
        """An inspector. Raises ClientTrouble."""
        ...
