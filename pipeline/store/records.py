"""What goes into the store and comes out of it. The store looks into none of the values: the same bytes come out."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from pipeline.engine.incidents import Incident


class Area(enum.Enum):
    """Whose state a part is of."""

    ENGINE = "engine"  # owner: the cluster
    READER = "reader"  # owner: the source and stream
    DELIVERY = "delivery"  # owner: the receiver


class StatePart(msgspec.Struct, frozen=True):
    """A piece of state that changes as a whole: a key's tracks, an object, what reading one stream has to remember."""

    area: Area
    owner: str
    name: str
    value: bytes | None  # None: the part is gone


class StoredPosition(msgspec.Struct, frozen=True):
    """Where reading a stream goes on."""

    source: str  # name of the source in the configuration
    stream: str  # "topic/3"
    value: bytes  # JSON of the source's own: for Kafka the next offset and the ids of topic and cluster


class QuarantineReason(enum.Enum):
    """Why a record is not in the incidents."""

    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"  # a batch that the client cannot decompress or whose checksum is wrong
    UNREADABLE = "unreadable"  # no text, or an envelope that ends too early
    FAILED = "failed"  # whystuck itself failed on it, twice


class Quarantined(msgspec.Struct, frozen=True):
    """A record, or a run of records, that was set aside: counted and shown, never dropped in silence."""

    source: str
    stream: str
    first: int  # offset
    last: int  # offset, the same for a single record
    reason: QuarantineReason
    detail: str  # what went wrong, in a sentence without secrets
    at: datetime | None = None  # the broker's time
    size_bytes: int | None = None
    sample: str = ""  # the beginning of it: redacted, safe to print, capped
    sha256: str = ""  # of the whole value, where it was seen


class Gap(msgspec.Struct, frozen=True):
    """Records that were never read: retention deleted them, or the topic was made again."""

    source: str
    stream: str
    first: int
    last: int | None  # None: not known how many
    reason: str  # retention | topic_recreated | log_truncated | restarted_behind | …
    detail: str


class PlannedDelivery(msgspec.Struct, frozen=True):
    """A notification as it will be sent, byte for byte, to one receiver."""

    id: str  # `webhook-id`: the same over retries, restarts, takeover and redrive
    receiver: str
    group: str
    occasion: str
    incidents: tuple[tuple[str, int], ...]  # id and revision of each that is told
    body: bytes
    content_type: str
    key_field: str | None = None
    supersedes: bool = False  # what its group was to be told before, and nobody tried to, need not be told any more
    problem: str = ""  # it can never be sent, and is a dead letter from the beginning


class Commit(msgspec.Struct, frozen=True):
    """Everything that one batch changes. It is written as a whole or not at all."""

    at: datetime
    parts: tuple[StatePart, ...] = ()
    positions: tuple[StoredPosition, ...] = ()
    over: tuple[tuple[str, str], ...] = ()  # source and stream of those that are over: their positions are deleted
    incidents: tuple[Incident, ...] = ()  # changes in their order: each is a new revision and a row of the outbox
    unnotified: frozenset[str] = frozenset()  # ids of `incidents` that nobody is to be told of: they are too old
    refreshed: tuple[Incident, ...] = ()  # newest facts of incidents without a transition worth telling
    quarantined: tuple[Quarantined, ...] = ()
    gaps: tuple[Gap, ...] = ()
    deliveries: tuple[PlannedDelivery, ...] = ()


class Claim(msgspec.Struct, frozen=True):
    """The right to write: every commit says under which epoch it is made."""

    epoch: int
    owner: str
    expires_at: datetime
