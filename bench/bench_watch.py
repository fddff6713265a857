"""How fast one daemon gets from Kafka to committed state, with a real broker on the same machine.

    python bench/bench_watch.py [LINES]

`whystuck watch` runs as a process on a SQLite store while the topic is full: the rate is that between two looks at the
committed positions, without the start. Processor time is that of the daemon alone. Beside it the bare client library
reads the same topic in the same run: the ratio holds on other machines, the rates do not.

quiet: a healthy log. storm: a hundred rollouts that fail all the time, with all six lines of an attempt.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_kafka import PARTITIONS, measure_library

from tests.servers.kafka_broker import Broker, Installation
from tests.servers.kafka_jars import fetch_jars, find_java
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings
from tests.servers.stored import Stored
from tests.servers.storms import storm_lines
from tests.servers.watching import Watching

SAMPLE = Path(__file__).parents[1] / "sample_logs" / "scenarios" / "healthy-canary" / "controller.log"
KEYS = 100
LINES_A_SECOND = 400
"""Of the storm's own time: a hundred keys, each once in its back-off of ten seconds or as events of informers come."""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_TIME = re.compile(rb'time="[^"]+"')


def quiet_lines(count: int) -> Iterator[bytes]:
    """A healthy log again and again, its time going on."""
    lines = SAMPLE.read_bytes().splitlines()
    began_at = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        at = began_at + timedelta(seconds=number / LINES_A_SECOND)
        yield _TIME.sub(b'time="%s"' % at.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), lines[number % len(lines)], count=1)


def processor_seconds(pid: int) -> float:
    """What a process has used so far, in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def resident_mib(pid: int) -> float:
    """Its memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure_daemon(
    broker: Broker, topic: str, line_count: int, folder: Path, record: str | None = None
) -> tuple[float, float, float]:
    """Committed lines a second, processor seconds a line, MiB in the end; `record`: the file of a recording."""
    folder.mkdir(exist_ok=True)
    stored = Stored(f"sqlite:///{folder}/whystuck.db")
    settings = {"store": {"url": stored.url}, "kafka": kafka_settings(broker, topic), "watch": {"record": record}}
    with closing(Watching(folder / "daemon", settings)) as daemon:
        daemon.start()
        daemon.until(lambda: sum(stored.next_offsets().values()), "the first commit")
        first, began_at = sum(stored.next_offsets().values()), time.perf_counter()
        used = processor_seconds(daemon.process.pid)
        daemon.until(lambda: sum(stored.next_offsets().values()) >= line_count, "everything committed", seconds=3600)
        seconds = time.perf_counter() - began_at
        used = processor_seconds(daemon.process.pid) - used
        memory = resident_mib(daemon.process.pid)
        daemon.terminate()
        return (line_count - first) / seconds, used / (line_count - first), memory


def main() -> None:
    """Measure both logs."""
    line_count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    mixes = {"quiet": (quiet_lines, line_count), "storm": (lambda count: storm_lines(count, KEYS), line_count // 4)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        installation = Installation(find_java(), fetch_jars(), folder)
        broker = Broker(installation, installation.formatted(()), folder / "broker")
        broker.start()
        topics = Topics(broker.address())
        for mix, (lines_of, wanted) in mixes.items():
            topic = topics.create(PARTITIONS, settings=KEPT)
            lines = list(lines_of(wanted // PARTITIONS))
            for partition in range(PARTITIONS):
                topics.produce(topic, lines, partition, codec="lz4")
            count = len(lines) * PARTITIONS
            seconds, used = measure_library(broker.address(), topic, count)
            rate, cost, memory = measure_daemon(broker, topic, count, folder / mix)
            print(
                f"{mix}: {rate:,.0f} lines/s committed, {cost * 1e6:.1f} us of processor a line, {memory:.0f} MiB; "
                f"the library alone {count / seconds:,.0f} lines/s, {used / count * 1e6:.1f} us",
                flush=True,
            )
        broker.kill()


if __name__ == "__main__":
    main()
