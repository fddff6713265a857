"""How fast the Kafka source hands out lines, with a real broker on the same machine.

    python bench/bench_kafka.py [LINES]

The topic has four partitions. The source runs in this process, and nothing is done with the lines; processor time is
that of this process alone. Beside it the bare client library, with the same settings, in the same run: the difference
is what the source costs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition

from pipeline.sources.kafka.settings import KafkaOrigin, KafkaSettings
from pipeline.sources.kafka.source import KafkaSource
from tests.servers.kafka_broker import Broker, Installation
from tests.servers.kafka_jars import fetch_jars, find_java
from tests.servers.kafka_topics import Topics

SAMPLE = Path(__file__).parents[1] / "sample_logs" / "scenarios" / "seed-emissary-expired" / "controller.log"
PARTITIONS = 4
ORIGINS = {
    "one origin a partition": KafkaOrigin(cluster="eu-1"),
    "origin by key": KafkaOrigin(key_pattern="(?P<pod>.+)"),
}


def fill(address: str, topic: str, line_count: int, codec: str) -> int:
    """Write the lines of a sample again and again; gives their bytes."""
    lines = SAMPLE.read_bytes().splitlines()
    producer = Producer(
        {"bootstrap.servers": address, "compression.type": codec, "linger.ms": 20, "batch.size": 131_072}
    )
    size = 0
    for number in range(line_count):
        line = lines[number % len(lines)]
        size += len(line) + 1
        while True:
            try:
                producer.produce(topic, line, b"argo-rollouts-%d" % (number % 8), number % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()
    return size


def measure(address: str, topic: str, line_count: int, origin: KafkaOrigin) -> tuple[float, float]:
    """Seconds and processor seconds to read everything."""
    source = KafkaSource(KafkaSettings(bootstrap_servers=(address,), topics=(topic,), start="earliest", origin=origin))
    source.start({})
    started, used, seen = time.perf_counter(), time.process_time(), 0
    while seen < line_count:
        fetched = source.read(1.0)
        seen += 0 if fetched is None else sum(len(block.line_numbers or ()) for block in fetched.blocks)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    source.close()
    return seconds, processor


def measure_library(address: str, topic: str, line_count: int) -> tuple[float, float]:
    """The same for the client library alone."""
    consumer = KafkaConsumer(
        bootstrap_servers=address,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_poll_records=2000,
        metrics_enabled=False,
    )
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)
    started, used, seen = time.perf_counter(), time.process_time(), 0
    while seen < line_count:
        seen += sum(map(len, consumer.poll(1000).values()))
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    consumer.close()
    return seconds, processor


def main() -> None:
    """Measure each codec and way to find the origin, three times, best of them."""
    line_count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(find_java(), fetch_jars(), Path(folder))
        broker = Broker(installation, installation.formatted(()), Path(folder) / "broker")
        broker.start()
        topics = Topics(broker.address())
        for codec in ("none", "lz4", "zstd"):
            topic = topics.create(PARTITIONS)
            size = fill(broker.address(), topic, line_count, codec)
            ways = {"library alone": partial(measure_library, broker.address(), topic, line_count)} | {
                name: partial(measure, broker.address(), topic, line_count, origin) for name, origin in ORIGINS.items()
            }
            runs = [{name: way() for name, way in ways.items()} for _ in range(3)]  # interleaved: the machine changes
            for name in ways:
                seconds, processor = min(run[name] for run in runs)
                print(
                    f"{codec}, {name}: {line_count / seconds:,.0f} lines/s ({size / seconds / 1e6:.0f} MB/s), "
                    f"{processor / line_count * 1e6:.1f} us of processor a line"
                )
        broker.kill()


if __name__ == "__main__":
    main()
