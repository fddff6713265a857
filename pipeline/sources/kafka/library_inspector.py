"""kafka-python's administrator's client as an `Inspector`."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from kafka import IsolationLevel, KafkaAdminClient, OffsetAndMetadata, OffsetSpec, TopicPartition
from kafka import errors as kafka_errors
from kafka.protocol.consumer.fetch import FetchRequest
from kafka.record import MemoryRecords

from pipeline.sources.kafka.clients import Bounds, ClientTrouble, Description, Partition, Topic
from pipeline.sources.kafka.library_reader import describe
from pipeline.sources.kafka.network import NetworkFactory
from pipeline.sources.kafka.settings import KafkaSettings

REQUEST_SECONDS = 5.0
"""A question to a broker that is not answered by then failed."""
_NO_TOPIC_ID = "00000000-0000-0000-0000-000000000000"
_UNREACHABLE = (
    kafka_errors.KafkaConnectionError,
    kafka_errors.KafkaTimeoutError,
    kafka_errors.NodeNotReadyError,
)
_READ_OPERATIONS = ("READ", "ALL")


class LibraryInspector:
    """An administrator's client that only asks."""

    def __init__(self, admin: KafkaAdminClient, factory: NetworkFactory, settings: KafkaSettings) -> None:
        self._admin = admin
        self._factory = factory
        self._isolation = IsolationLevel.READ_COMMITTED if settings.read_committed else IsolationLevel.READ_UNCOMMITTED

    def describe(self, topics: Collection[str] | None) -> Description:
        """These topics; None: all."""
        with self._asking():
            cluster_id = self._admin.describe_cluster().get("cluster_id") or ""
            found = self._admin.describe_topics(None if topics is None else list(topics))
        described: dict[str, Topic] = {}
        problems: dict[str, str] = {}
        for each in found:
            if problem := _topic_problem(each):
                problems[each["name"]] = problem
            else:
                described[each["name"]] = _topic(each)
        return Description(cluster_id, described, problems)

    def bounds(self, partitions: Collection[Partition]) -> Mapping[Partition, Bounds]:
        """What there is; partitions without a leader are left out."""
        starts = self._offsets(partitions, OffsetSpec.EARLIEST)
        ends = self._offsets(partitions, OffsetSpec.LATEST)
        return {each: Bounds(starts[each], ends[each]) for each in partitions if each in starts and each in ends}

    def offsets_at(self, partitions: Collection[Partition], at: datetime) -> Mapping[Partition, int | None]:
        """The first record at or after a time; None: there is none yet."""
        offsets = self._offsets(partitions, int(at.timestamp() * 1000))
        return {each: offset if offset >= 0 else None for each, offset in offsets.items()}

    def last_of_batch(self, partition: Partition, offset: int) -> int | None:
        """Last offset of the batch that this offset is in; None: it cannot be told."""
        client, network = self._factory.client, self._factory.network
        with self._asking():
            network.run(client.cluster.set_topics, [partition.topic])
            leader = client.cluster.leader_for_partition(TopicPartition(*partition))
            response = network.run(client.send, leader, _fetch_one(partition, offset))
        for topic in response.responses:
            for each in topic.partitions:
                batch = MemoryRecords(bytes(each.records or b"")).next_batch()
                if batch is not None and batch.magic == 2:
                    return max(offset, int(batch.next_offset) - 1)
        return None

    def note_positions(self, group: str, positions: Mapping[Partition, int]) -> None:
        """Commit positions to a group, for lag tools."""
        offsets = {TopicPartition(*each): OffsetAndMetadata(offset, "", -1) for each, offset in positions.items()}
        with self._asking():
            results = self._admin.alter_group_offsets(group, offsets)
        if failed := sorted({error.__name__ for error in results.values() if error is not kafka_errors.NoError}):
            raise ClientTrouble(f"positions are not noted in the group {group}: {', '.join(failed)}")

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(kafka_errors.KafkaError, RuntimeError):
            self._admin.close()
        self._factory.log.close()

    def _offsets(self, partitions: Collection[Partition], spec: OffsetSpec | int) -> dict[Partition, int]:
        """Offsets of all partitions; where that fails, of those that give theirs alone."""
        if not partitions:
            return {}
        try:
            return self._list_offsets(partitions, spec)
        except ClientTrouble:
            if len(partitions) == 1:
                return {}
        found: dict[Partition, int] = {}
        for each in partitions:
            with contextlib.suppress(ClientTrouble):
                found |= self._list_offsets([each], spec)
        return found

    def _list_offsets(self, partitions: Collection[Partition], spec: OffsetSpec | int) -> dict[Partition, int]:
        wanted = {TopicPartition(*each): spec for each in partitions}
        with self._asking():
            found = self._admin.list_partition_offsets(wanted, self._isolation, timeout_ms=REQUEST_SECONDS * 1000)
        return {Partition(*each): int(at.offset) for each, at in found.items()}

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except _UNREACHABLE as error:  # what it says itself is no reason; its log may have one
            raise ClientTrouble(self._factory.log.newest or describe(error)) from error
        except Exception as error:  # not all that the library raises is of its own kind
            raise ClientTrouble(describe(error)) from error


def _fetch_one(partition: Partition, offset: int) -> FetchRequest:
    """A request for the batch at an offset, as bytes."""
    topic = FetchRequest.FetchTopic
    wanted = topic.FetchPartition(
        partition=partition.number,
        current_leader_epoch=-1,
        fetch_offset=offset,
        log_start_offset=-1,
        partition_max_bytes=1,
    )
    return FetchRequest(
        max_wait_ms=500,
        min_bytes=1,
        max_bytes=1,  # the first batch comes whole, whatever its size
        isolation_level=0,
        session_id=0,
        session_epoch=-1,
        topics=[topic(topic=partition.topic, partitions=[wanted])],
        forgotten_topics_data=[],
        rack_id="",
        max_version=12,  # from 13 on topics are named by their ids
    )


def _topic(described: Mapping[str, Any]) -> Topic:
    topic_id = str(described.get("topic_id") or "")
    numbers = frozenset(int(each["partition_index"]) for each in described["partitions"])
    return Topic("" if topic_id == _NO_TOPIC_ID else topic_id, numbers)


def _topic_problem(described: Mapping[str, Any]) -> str:
    error = kafka_errors.for_code(described["error_code"])
    if error is kafka_errors.UnknownTopicOrPartitionError:
        return "there is no such topic, or we may not see it (right Describe on the topic)"
    if error is kafka_errors.TopicAuthorizationFailedError:
        return "we may not see it (right Describe on the topic)"
    if error is not kafka_errors.NoError:
        return str(error.__name__)
    operations = described.get("authorized_operations")
    if operations and not any(str(each) in _READ_OPERATIONS for each in operations):
        return "we may see it but not read it (right Read on the topic)"
    return ""
