"""Kafka in memory, at the seam of the source: topics that can be written, deleted, shortened and damaged."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from pipeline.sources.kafka.clients import (
    Bounds,
    ClientTrouble,
    Description,
    OutOfRangeError,
    Partition,
    Record,
    Topic,
    UndecodableError,
)
from pipeline.sources.kafka.settings import KafkaSettings
from pipeline.sources.kafka.source import KafkaSource
from pipeline.sources.live import Fetched

START = 1_790_000_000_000
"""Time of the first record, in milliseconds since 1970."""
_ids = itertools.count(1)


class FakeRecord(msgspec.Struct):
    """A record."""

    value: bytes | None
    offset: int = 0
    timestamp: int = START
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    is_damaged: bool = False  # it and all that follow it up to `batch_last` cannot be decoded
    batch_last: int = 0


class FakeTopic:
    """A topic."""

    def __init__(self, partition_count: int = 1) -> None:
        self.id = f"id-{next(_ids)}"
        self.logs: list[list[FakeRecord]] = [[] for _ in range(partition_count)]
        self.starts = [0] * partition_count
        self.without_leader: set[int] = set()

    def write(self, *values: bytes | None, partition: int = 0, at: int = START, step: int = 0) -> None:
        """Append records, `step` milliseconds apart."""
        log = self.logs[partition]
        for number, value in enumerate(values):
            log.append(FakeRecord(value, len(log), at + number * step))

    def damage(self, first: int, last: int, partition: int = 0) -> None:
        """Make a batch that cannot be decoded."""
        for record in self.logs[partition][first : last + 1]:
            record.is_damaged, record.batch_last = True, last


class FakeKafka:
    """Brokers, and the clients of them."""

    def __init__(self, **topics: FakeTopic) -> None:
        self.topics = topics
        self.cluster_id = "cluster-1"
        self.is_away = False
        self.slow_answers = 0  # so many of the next questions about topics are not answered in time
        self.is_deaf = False  # answers questions, gives no records
        self.read_together = 2  # records in one poll
        self.noted: dict[Partition, int] = {}
        self.opened_readers = 0

    def check(self) -> None:
        return

    def open_reader(self, timeout_seconds: float) -> FakeReader:
        self.answer()
        self.opened_readers += 1
        return FakeReader(self)

    def open_inspector(self, timeout_seconds: float) -> FakeInspector:
        self.answer()
        return FakeInspector(self)

    def answer(self) -> None:
        if self.is_away:
            raise ClientTrouble("nobody is there")

    def bounds_of(self, partition: Partition) -> Bounds:
        topic = self.topics[partition.topic]
        return Bounds(topic.starts[partition.number], len(topic.logs[partition.number]))


class FakeReader:
    """Gives a few records of one partition a time; partitions take turns."""

    def __init__(self, kafka: FakeKafka) -> None:
        self._kafka = kafka
        self._positions: dict[Partition, int] = {}
        self._is_usable = True

    def assign(self, positions: Mapping[Partition, int]) -> None:
        self._positions = dict(positions)

    def poll(self, timeout_seconds: float) -> Mapping[Partition, Sequence[Record]]:
        assert self._is_usable, "the real one would never come back"
        if self._kafka.is_away or self._kafka.is_deaf:
            return {}
        for partition in list(self._positions):
            if (records := self._take(partition)) is not None:
                self._positions[partition] = self._positions.pop(partition)  # to the back of the queue
                return {partition: records}
        return {}

    def _take(self, partition: Partition) -> list[FakeRecord] | None:
        position, bounds = self._positions[partition], self._kafka.bounds_of(partition)
        if not bounds.start <= position <= bounds.end:
            raise OutOfRangeError({partition: position})
        log = self._kafka.topics[partition.topic].logs[partition.number]
        records = log[position : position + self._kafka.read_together]
        good = list(itertools.takewhile(lambda record: not record.is_damaged, records))
        if records and not good:
            self._is_usable = False
            raise UndecodableError("checksum")
        if not good:
            return None
        self._positions[partition] = good[-1].offset + 1
        return good

    def position(self, partition: Partition) -> int:
        return self._positions[partition]

    def end(self, partition: Partition) -> int | None:
        return self._kafka.bounds_of(partition).end

    def close(self) -> None:
        self._is_usable = False


class FakeInspector:
    """Answers while the brokers are there."""

    def __init__(self, kafka: FakeKafka) -> None:
        self._kafka = kafka

    def describe(self, topics: Collection[str] | None) -> Description:
        self._kafka.answer()
        if self._kafka.slow_answers:
            self._kafka.slow_answers -= 1
            raise ClientTrouble("not answered in time")
        known = self._kafka.topics
        found = {
            name: Topic(known[name].id, frozenset(range(len(known[name].logs))))
            for name in known
            if topics is None or name in topics
        }
        return Description(
            self._kafka.cluster_id, found, {name: "missing" for name in topics or () if name not in known}
        )

    def bounds(self, partitions: Collection[Partition]) -> Mapping[Partition, Bounds]:
        self._kafka.answer()
        has_leader = lambda each: each.number not in self._kafka.topics[each.topic].without_leader  # noqa: E731
        return {each: self._kafka.bounds_of(each) for each in partitions if has_leader(each)}

    def offsets_at(self, partitions: Collection[Partition], at: datetime) -> Mapping[Partition, int | None]:
        milliseconds = at.timestamp() * 1000
        logs = {each: self._kafka.topics[each.topic].logs[each.number] for each in partitions}
        return {
            each: next((record.offset for record in log if record.timestamp >= milliseconds), None)
            for each, log in logs.items()
        }

    def last_of_batch(self, partition: Partition, offset: int) -> int | None:
        return self._kafka.topics[partition.topic].logs[partition.number][offset].batch_last or None

    def note_positions(self, group: str, positions: Mapping[Partition, int]) -> None:
        self._kafka.noted |= positions

    def close(self) -> None:
        return


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def make_source(kafka: FakeKafka, clock: Clock | None = None, **settings: object) -> KafkaSource:
    """A source of the topic `logs`, unless said otherwise; it is observed by hand."""
    names = {} if "topic_pattern" in settings else {"topics": ("logs",)}
    arguments = {"bootstrap_servers": ("fake:9092",), "start": "earliest", "observe_seconds": 3600.0} | names | settings
    now = datetime.fromtimestamp(START / 1000 + 3600, UTC)
    return KafkaSource(KafkaSettings(**arguments), kafka, monotonic=clock or Clock(), now=lambda: now)  # type: ignore[arg-type]


def read_all(source: KafkaSource) -> list[Fetched]:
    """Read until nothing comes any more; after a batch that cannot be decoded that takes some tries."""
    got: list[Fetched] = []
    idle_count = 0
    while idle_count < 20:
        fetched = source.read(0.0)
        idle_count = idle_count + 1 if fetched is None else 0
        got += [] if fetched is None else [fetched]
    return got


def lines_of(got: Sequence[Fetched]) -> list[bytes]:
    """The lines, in the order in which they came."""
    return [line for fetched in got for block in fetched.blocks for line in block.data.rstrip(b"\n").split(b"\n")]


def positions_of(source: KafkaSource, got: Sequence[Fetched]) -> dict[str, bytes]:
    """What a store holds after these."""
    return {fetched.stream: source.position(fetched.stream, fetched.next_line) for fetched in got}
