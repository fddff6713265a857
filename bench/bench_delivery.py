"""How long it takes from the line that makes a rollout count as stuck to the receiver that is told, under load.

    python bench/bench_delivery.py [INCIDENTS] [LINES_A_SECOND]

A real broker, `whystuck watch` as a process with a SQLite store, a receiver on loopback; all on this machine. Healthy
lines come all the time. Once a second another rollout, behind another webhook, fails for the third time in more than a
minute: the time is that between handing this line to the producer and the arrival of the POST. The engine's wait for
further victims (`engine.group_wait_seconds`) is set to nothing.
"""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.servers.hostile_receiver import HostileReceiver
from tests.servers.kafka_broker import Broker, Installation
from tests.servers.kafka_jars import fetch_jars, find_java
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings
from tests.servers.storms import attempt
from tests.servers.watching import Watching

SAMPLE = Path(__file__).parents[1] / "sample_logs" / "scenarios" / "healthy-canary" / "controller.log"
CHUNK_SECONDS = 0.05
BEFORE_SECONDS = 75
_TIME = re.compile(rb'time="[^"]+"')


def failing(number: int, at: datetime, retries: int) -> list[bytes]:
    """The lines of one failed attempt behind a webhook of its own."""
    return [line.replace(b"emissary-apiext", b"webhook-%03d" % number) for line in attempt(number, at, retries)]


class Load:
    """Healthy lines, with the time of now, at a steady rate."""

    def __init__(self, topics: Topics, topic: str, lines_a_second: int) -> None:
        self.count = 0
        self._topics, self._topic, self._rate = topics, topic, lines_a_second
        self._lines = SAMPLE.read_bytes().splitlines()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        began_at = time.monotonic()
        while not self._is_over.wait(CHUNK_SECONDS):
            due = int((time.monotonic() - began_at) * self._rate) - self.count
            stamp = b'time="%s"' % datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
            lines = [
                _TIME.sub(stamp, self._lines[(self.count + each) % len(self._lines)], count=1) for each in range(due)
            ]
            self._topics.produce(self._topic, lines, 0)
            self.count += due


def measure(broker: Broker, folder: Path, count: int, lines_a_second: int) -> tuple[list[float], float]:
    """Seconds of each incident, and the lines a second that came."""
    topics = Topics(broker.address())
    topic = topics.create(2, settings=KEPT)
    with HostileReceiver() as receiver:
        target = {"name": "bench", "url": receiver.url, "allow_networks": ["127.0.0.0/8"]}
        settings = {
            "store": {"url": f"sqlite:///{folder}/whystuck.db"},
            "kafka": kafka_settings(broker, topic),
            "engine": {"group_wait_seconds": 0},
            "delivery": {"receivers": [target], "storm_incidents": count + 1},
        }
        with closing(Watching(folder / "daemon", settings)) as daemon:
            first = datetime.now(UTC) - timedelta(seconds=BEFORE_SECONDS)
            for number in range(count):
                for retries, at in enumerate((first, first + timedelta(seconds=5)), 2):
                    topics.produce(topic, failing(number, at, retries), 1)
            daemon.start()
            daemon.until_ready()
            load = Load(topics, topic, lines_a_second)
            load.start()
            time.sleep(5)
            began_at, already = time.monotonic(), load.count
            seconds = [_tell(topics, topic, receiver, number) for number in range(count)]
            rate = (load.count - already) / (time.monotonic() - began_at)
            load.stop()
            return seconds, rate


def _tell(topics: Topics, topic: str, receiver: HostileReceiver, number: int) -> float:
    """One rollout more is stuck; how long it takes until the receiver knows."""
    name = b"webhook-%03d" % number
    lines = failing(number, datetime.now(UTC), 4)
    began_at = time.monotonic()
    topics.produce(topic, lines, 1)
    came = receiver.wait_for(lambda received: any(name in one.body for one in received))
    arrived_at = next(one.at for one in came if name in one.body)
    time.sleep(max(0.0, began_at + 1.0 - time.monotonic()))
    return arrived_at - began_at


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many are not above."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    """Measure once."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    lines_a_second = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        installation = Installation(find_java(), fetch_jars(), folder)
        broker = Broker(installation, installation.formatted(()), folder / "broker")
        broker.start()
        seconds, rate = measure(broker, folder, count, lines_a_second)
        broker.kill()
    print(
        f"{count} incidents at {rate:,.0f} lines/s: p50 {percentile(seconds, 0.5):.2f} s, "
        f"p95 {percentile(seconds, 0.95):.2f} s, p99 {percentile(seconds, 0.99):.2f} s, longest {max(seconds):.2f} s"
    )


if __name__ == "__main__":
    main()
