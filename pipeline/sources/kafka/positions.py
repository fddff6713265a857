"""Where reading a partition goes on, and what was lost on the way there. Pure: what the brokers say is given."""

from __future__ import annotations

import msgspec

from pipeline.errors import SourceError
from pipeline.sources.kafka.clients import Bounds, Partition
from pipeline.store.records import Gap


class Position(msgspec.Struct, frozen=True):
    """What is stored of a partition. An offset means nothing in another topic of the same name, or another cluster."""

    offset: int  # of the next record
    topic_id: str = ""  # empty: the brokers do not tell (before Kafka 2.8)
    cluster_id: str = ""

    def encode(self) -> bytes:
        """As JSON."""
        return msgspec.json.encode(self)

    def is_of(self, topic_id: str, cluster_id: str) -> bool:
        """Whether the offset means something there; what is not known is not held against it."""
        return all(
            ours == theirs or not ours or not theirs
            for ours, theirs in ((self.topic_id, topic_id), (self.cluster_id, cluster_id))
        )


class Placement(msgspec.Struct, frozen=True):
    """Where reading goes on, and why something is missing before it."""

    offset: int
    gap: Gap | None = None


def decode_position(stream: str, value: bytes) -> Position:
    """Read what was stored.

    Raises:
        SourceError: It is no position: of another source of this name, or damaged.
    """
    try:
        return msgspec.json.decode(value, type=Position)
    except msgspec.DecodeError as error:
        raise SourceError(
            f"the stored position of {stream} is none of a Kafka partition ({error}); "
            "give the source another name to begin anew"
        ) from error


def continue_at(source: str, partition: Partition, position: Position, bounds: Bounds | None) -> Placement:
    """The position itself, unless what stood there is not kept any more."""
    if bounds is None or position.offset >= bounds.start:
        return Placement(position.offset)
    count = bounds.start - position.offset
    detail = (
        f"retention deleted {count} offsets before they were read; keep the topic longer, or give whystuck more CPU"
    )
    gap = Gap(source, partition.stream, position.offset, bounds.start - 1, "retention", detail)
    return Placement(bounds.start, gap)


def begin_anew(source: str, partition: Partition, position: Position, bounds: Bounds, *, cluster_id: str) -> Placement:
    """The beginning of a topic that is not the one which was read before."""
    is_moved = bool(position.cluster_id and cluster_id and position.cluster_id != cluster_id)
    what = "the brokers are of another cluster" if is_moved else "the topic was deleted and made again"
    rest = f"what the old one held from offset {position.offset} on was not read"
    detail = f"{what}; {rest}, the new one is read from its beginning"
    reason = "other_cluster" if is_moved else "topic_recreated"
    return Placement(bounds.start, Gap(source, partition.stream, position.offset, None, reason, detail))


def after_out_of_range(source: str, partition: Partition, offset: int, bounds: Bounds) -> Placement:
    """Where to go on when the broker has nothing at the offset: it was deleted, or the log is shorter than it was."""
    if offset <= bounds.end:
        return continue_at(source, partition, Position(offset), bounds)
    detail = (
        f"the log ends at offset {bounds.end}, before offset {offset} that had been reached: brokers lost records "
        "(unclean leader election, a disk); what was written anew below the end was not read"
    )
    return Placement(bounds.end, Gap(source, partition.stream, bounds.end, None, "log_truncated", detail))


def after_divergence(source: str, partition: Partition, offset: int, continue_offset: int) -> Placement:
    """Where to go on when the broker says from where on its log differs from what was read."""
    detail = f"brokers lost records that were read, from offset {continue_offset} on (unclean leader election)"
    gap = Gap(source, partition.stream, continue_offset, max(continue_offset, offset - 1), "log_truncated", detail)
    return Placement(continue_offset, gap)
