"""What tests do to a broker: topics, records, rights. And what they do with a source."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

from pipeline.sources.kafka.source import KafkaSource
from pipeline.sources.live import Fetched

SECONDS = 240.0
"""After this, something that should happen does not."""
_numbers = itertools.count(1)


class Topics:
    """Topics of a broker."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._admin = AdminClient({"bootstrap.servers": address})

    def create(self, partitions: int = 1, name: str = "", settings: Mapping[str, str] | None = None) -> str:
        """Make a topic, of a new name if none is given."""
        name = name or f"topic-{next(_numbers)}"
        topic = NewTopic(name, partitions, 1, config=dict(settings or {}))
        retry(lambda: self._admin.create_topics([topic])[name].result(SECONDS))
        retry(lambda: _expect(self._partitions_count(name) == partitions))
        return name

    def delete(self, name: str) -> None:
        """Delete a topic. The broker does not know it then: what is sent to one of this name is not for the old one."""
        self._admin.delete_topics([name])[name].result(SECONDS)
        retry(lambda: _expect(self._partitions_count(name) == 0))

    def _partitions_count(self, name: str) -> int:
        """Of those that can be used, as the broker knows them: a moment after the controller."""
        partitions = self._admin.list_topics(name, timeout=SECONDS).topics[name].partitions
        return sum(each.leader >= 0 for each in partitions.values())

    def grow(self, name: str, partitions: int) -> None:
        self._admin.create_partitions([NewPartitions(name, partitions)])[name].result(SECONDS)
        retry(lambda: _expect(self._partitions_count(name) == partitions))

    def delete_records(self, name: str, before: int, partition: int = 0) -> None:
        """Delete what is older than an offset, as retention does."""
        where = TopicPartition(name, partition, before)
        self._admin.delete_records([where])[where].result(SECONDS)

    def first_offset(self, name: str, partition: int = 0) -> int:
        """Of the oldest record that there is."""
        place = TopicPartition(name, partition)
        return int(self._admin.list_offsets({place: OffsetSpec.earliest()})[place].result(SECONDS).offset)

    def produce(
        self,
        name: str,
        values: Iterable[bytes | None],
        partition: int = 0,
        *,
        codec: str = "none",
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        at: Callable[[int], int] | None = None,
    ) -> None:
        """Write records; `at` gives the time of each by its number, in milliseconds since 1970.

        A broker that is away is waited for.
        """
        failed: list[object] = []
        settings = {
            "compression.type": codec,
            "linger.ms": 5,
            "message.max.bytes": 20_000_000,
            "enable.idempotence": True,
        }
        producer = Producer({"bootstrap.servers": self._address, **settings})
        for number, value in enumerate(values):
            more = {} if at is None else {"timestamp": at(number)}
            while True:
                try:
                    producer.produce(
                        name,
                        value,
                        key,
                        partition,
                        headers=list(headers),
                        on_delivery=lambda error, _: error and failed.append(error),
                        **more,
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        assert 0 == producer.flush(SECONDS)
        assert [] == failed

    def produce_in_transaction(self, name: str, values: Iterable[bytes], *, is_committed: bool) -> None:
        """Write records that are all there in the end, or none of them."""
        producer = Producer({"bootstrap.servers": self._address, "transactional.id": f"test-{next(_numbers)}"})
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
        for value in values:
            producer.produce(name, value, partition=0)
        producer.flush(SECONDS)
        if is_committed:
            producer.commit_transaction(SECONDS)
        else:
            producer.abort_transaction(SECONDS)

    def grant(self, user: str, name: str, operation: AclOperation, kind: ResourceType = ResourceType.TOPIC) -> None:
        binding = AclBinding(
            kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW
        )
        self._admin.create_acls([binding])[binding].result(SECONDS)
        # What the broker itself knows: a moment after the controller.
        granted = AclBindingFilter(
            kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW
        )
        retry(lambda: _expect(bool(self._admin.describe_acls(granted).result(SECONDS))))

    def noted(self, group: str, name: str) -> dict[int, int]:
        """Positions that a group has noted."""
        from confluent_kafka import ConsumerGroupTopicPartitions

        wanted = ConsumerGroupTopicPartitions(group)
        found = self._admin.list_consumer_group_offsets([wanted])[group].result(SECONDS)
        return {each.partition: each.offset for each in found.topic_partitions if each.topic == name}


def retry(action: Callable[[], object], seconds: float = SECONDS) -> None:
    """Do it until it does not fail."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            action()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _expect(is_so: bool) -> None:
    assert is_so


def read_until(
    source: KafkaSource, is_enough: Callable[[list[Fetched]], bool], seconds: float = SECONDS
) -> list[Fetched]:
    """Read until there is enough."""
    deadline = time.monotonic() + seconds
    got: list[Fetched] = []
    while not is_enough(got):
        assert time.monotonic() < deadline, f"{source.status()}; {[(each.stream, each.next_line) for each in got[-5:]]}"
        if (fetched := source.read(0.2)) is not None:
            got.append(fetched)
    return got


def read_lines(source: KafkaSource, count: int, seconds: float = SECONDS) -> list[Fetched]:
    """Read so many lines."""
    return read_until(source, lambda got: len(lines_of(got)) >= count, seconds)


def lines_of(got: Iterable[Fetched]) -> list[bytes]:
    """The lines, in the order in which they came."""
    return [line for fetched in got for block in fetched.blocks for line in block.data.rstrip(b"\n").split(b"\n")]


def positions_of(source: KafkaSource, got: Iterable[Fetched]) -> dict[str, bytes]:
    """What a store holds after these."""
    return {fetched.stream: source.position(fetched.stream, fetched.next_line) for fetched in got}
