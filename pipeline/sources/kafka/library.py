"""The clients made with kafka-python. Its traps are worked around here; docs/kafka.md names them."""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import kafka.codec
from kafka import IsolationLevel, KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, OffsetSpec, TopicPartition
from kafka import errors as kafka_errors
from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector
from kafka.protocol.consumer.fetch import FetchRequest
from kafka.record import MemoryRecords

from pipeline.errors import SourceError, SourceRefusedError
from pipeline.sources.kafka.client_log import ClientLog
from pipeline.sources.kafka.clients import (
    Bounds,
    ClientTrouble,
    Description,
    Inspector,
    OutOfRangeError,
    Partition,
    Reader,
    Record,
    Topic,
    UndecodableError,
)
from pipeline.sources.kafka.login import login_arguments
from pipeline.sources.kafka.probe import Refusal, probe
from pipeline.sources.kafka.settings import KafkaSettings

REQUEST_SECONDS = 5.0
"""A question to a broker that is not answered by then failed."""
FETCH_SECONDS = 10.0
"""The same for fetches, which wait half a second for records."""
CLOSE_SECONDS = 1.0
RETRY_SECONDS = 0.3
_NO_TOPIC_ID = "00000000-0000-0000-0000-000000000000"
_CODECS = {"lz4": kafka.codec.has_lz4, "snappy": kafka.codec.has_snappy, "zstd": kafka.codec.has_zstd}
_UNREACHABLE = (
    kafka_errors.KafkaConnectionError,
    kafka_errors.KafkaTimeoutError,
    kafka_errors.NodeNotReadyError,
)
_READ_OPERATIONS = ("READ", "ALL")
_numbers = itertools.count(1)


class LibraryClients:
    """Makes clients for a source."""

    def __init__(self, settings: KafkaSettings, wait: Callable[[float], object]) -> None:
        """Prepare.

        Args:
            settings: of the source.
            wait: waits so many seconds, or less when the source is being closed.
        """
        self._settings = settings
        self._wait = wait

    def check(self) -> None:
        """Find out whether one is let in, and wait for brokers that are not there yet.

        Raises:
            SourceRefusedError: One is not let in; or a decompressor is missing.
            SourceError: No broker can be reached.
            ConfigurationError: A file of the security settings cannot be used.
        """
        settings = self._settings
        if missing := [name for name, has in _CODECS.items() if not has()]:
            raise SourceRefusedError(
                f"kafka {settings.name}: cannot decompress {', '.join(missing)}: install whystuck anew"
            )
        arguments = login_arguments(settings.security)
        deadline = time.monotonic() + settings.connect_seconds
        while True:
            refusals = self._probe_all(arguments, deadline)
            if not refusals:
                return
            reasons = "; ".join(refusal.reason for refusal in refusals)
            if all(refusal.is_final for refusal in refusals):
                raise SourceRefusedError(f"kafka {settings.name}: {reasons}")
            if time.monotonic() > deadline:
                raise SourceError(f"kafka {settings.name}: {reasons}")
            self._wait(RETRY_SECONDS)

    def _probe_all(self, arguments: dict[str, Any], deadline: float) -> list[Refusal]:
        """Why none of the brokers can be used; empty: one can."""
        refusals: list[Refusal] = []
        for address in self._settings.bootstrap_servers:
            refusal = probe(address, self._settings.security, arguments)
            if refusal is None:
                return []
            refusals.append(refusal)
            if time.monotonic() > deadline:
                break
        return refusals

    def open_reader(self, timeout_seconds: float) -> Reader:
        """A reader. Raises ClientTrouble."""
        settings = self._settings
        with _opening(settings, "reader", timeout_seconds) as (factory, arguments):
            consumer = KafkaConsumer(
                **arguments,
                kafka_client=factory,
                group_id=None,  # positions are the store's; a group would only add ways to fail
                enable_auto_commit=False,
                auto_offset_reset="none",  # any other value skips what retention deleted, in silence
                allow_auto_create_topics=False,
                max_poll_records=settings.max_poll_records,
                max_partition_fetch_bytes=settings.fetch_bytes,
                request_timeout_ms=int(FETCH_SECONDS * 1000),
                isolation_level="read_committed" if settings.read_committed else "read_uncommitted",
                metrics_enabled=False,
            )
            return LibraryReader(consumer, factory.log)

    def open_inspector(self, timeout_seconds: float) -> Inspector:
        """An inspector. Raises ClientTrouble."""
        with _opening(self._settings, "inspector", timeout_seconds) as (factory, arguments):
            admin = KafkaAdminClient(**arguments, kafka_client=factory, request_timeout_ms=int(REQUEST_SECONDS * 1000))
            self._check_advertised(factory, arguments)
            return LibraryInspector(admin, factory, self._settings)

    def _check_advertised(self, factory: _ClientFactory, arguments: dict[str, Any]) -> None:
        """Whoever answers names all brokers, and these have to be reachable by these names."""
        reasons: list[str] = []
        for broker in factory.client.cluster.brokers():
            refusal = probe(f"{broker.host}:{broker.port}", self._settings.security, arguments)
            if refusal is None:
                return
            reasons.append(refusal.reason)
        raise ClientTrouble(f"as the brokers name themselves (advertised.listeners): {'; '.join(reasons)}")


class _ClientFactory:
    """Makes the network client inside of a consumer, and keeps hold of it.

    A consumer of kafka-python 3.0.12 does not hand `allow_auto_create_topics` on to the code that asks for metadata: a
    deleted topic would come back. And when its constructor fails, its thread goes on.
    """

    def __init__(self, client_id: str) -> None:
        self.log = ClientLog(client_id)
        self.client: Any = None
        self.network: Any = None

    def __call__(self, **configs: object) -> KafkaNetClient:
        self.network = NetworkSelector(**configs)
        self.client = KafkaNetClient(self.network, **configs)
        self.client.cluster.config["allow_auto_create_topics"] = False
        return self.client

    def abandon(self) -> None:
        """Let go of what a failed constructor has left behind."""
        self.log.close()
        if self.client is not None:
            self.client.close()


@contextlib.contextmanager
def _opening(
    settings: KafkaSettings, role: str, timeout_seconds: float
) -> Iterator[tuple[_ClientFactory, dict[str, Any]]]:
    client_id = f"whystuck-{re.sub('[^A-Za-z0-9._-]', '_', settings.name)}-{role}-{next(_numbers)}"
    factory = _ClientFactory(client_id)
    factory.log.open()
    arguments = login_arguments(settings.security) | {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": client_id,
        "bootstrap_timeout_ms": int(timeout_seconds * 1000),
        "reconnect_backoff_max_ms": 1000,  # 30 s by default: half a minute lost after brokers are back
    }
    try:
        yield factory, arguments
    except ClientTrouble:
        factory.abandon()
        raise
    except Exception as error:
        factory.abandon()
        reason = factory.log.newest or str(error)
        raise ClientTrouble(f"no broker can be reached: {reason}") from error


class LibraryReader:
    """A consumer that is told what to read."""

    def __init__(self, consumer: KafkaConsumer, log: ClientLog) -> None:
        self._consumer = consumer
        self._log = log
        self._assigned: dict[Partition, TopicPartition] = {}

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Read these partitions and no others, from these offsets on.

        This takes the place of `pause` and `resume` as well: in kafka-python 3.0.12 records that were fetched when
        their partition was paused do not always come back when it is resumed.
        """
        self._assigned = {partition: TopicPartition(*partition) for partition in positions}
        with self._using():
            self._consumer.assign(list(self._assigned.values()))
            for partition, offset in positions.items():
                self._consumer.seek(self._assigned[partition], offset)

    def poll(self, timeout_seconds: float) -> Mapping[Partition, Sequence[Record]]:
        """The next records. Raises as `Reader` says."""
        with self._using():
            polled = self._consumer.poll(timeout_ms=timeout_seconds * 1000)
        return {Partition(*each): records for each, records in polled.items()}

    def position(self, partition: Partition) -> int:
        """Where reading a partition goes on."""
        with self._using():
            return int(self._consumer.position(self._assigned[partition], timeout_ms=0))

    def end(self, partition: Partition) -> int | None:
        """The end of a partition as the last fetch showed it."""
        with self._using():
            end = self._consumer.highwater(self._assigned[partition])
        return None if end is None else int(end)

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        """Name the library's errors as `Reader` does."""
        try:
            yield
        except kafka_errors.OffsetOutOfRangeError as error:
            raise OutOfRangeError({Partition(*each): offset for each, offset in error.args[0].items()}) from error
        except kafka_errors.LogTruncationError as error:
            raise self._diverged(error.divergent_offsets) from error
        except (kafka_errors.CorruptRecordError, kafka_errors.UnsupportedCodecError) as error:
            raise UndecodableError(str(error)) from error
        except kafka_errors.KafkaError as error:
            raise ClientTrouble(_describe(error)) from error
        except Exception as error:  # decompressors raise whatever they like, OSError among them
            raise UndecodableError(f"{type(error).__name__}: {error}") from error

    def _diverged(self, divergent: Mapping[Any, Any]) -> OutOfRangeError:
        positions = {Partition(*each): self.position(Partition(*each)) for each in divergent}
        known = {Partition(*each): to.offset for each, to in divergent.items() if to is not None}
        return OutOfRangeError(positions, known)

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(kafka_errors.KafkaError, RuntimeError):
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_SECONDS * 1000)
        self._log.close()


class LibraryInspector:
    """An administrator's client that only asks."""

    def __init__(self, admin: KafkaAdminClient, factory: _ClientFactory, settings: KafkaSettings) -> None:
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
            raise ClientTrouble(self._factory.log.newest or _describe(error)) from error
        except Exception as error:  # not all that the library raises is of its own kind
            raise ClientTrouble(_describe(error)) from error


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


def _describe(error: Exception) -> str:
    text = " ".join(str(error).split())
    name = type(error).__name__
    return text if text.startswith(name) else f"{name}: {text}" if text else name
