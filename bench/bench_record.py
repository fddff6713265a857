"""What recording costs a daemon that reads Kafka, how large the file gets, and what its replay takes.

    python bench/bench_record.py [LINES]

The same topic is read by `whystuck watch` without a recording and with one of each kind, one after the other: their
processor time a line is compared. Then `whystuck replay` reads each file, and the log itself beside them.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_kafka import PARTITIONS
from bench_watch import KEYS, measure_daemon, processor_seconds, quiet_lines

from tests.servers.kafka_broker import Broker, Installation
from tests.servers.kafka_jars import fetch_jars, find_java
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT
from tests.servers.storms import storm_lines
from tests.servers.watching import COMMAND

KINDS = ("jsonl", "jsonl.gz", "jsonl.zst")


def measure_replay(path: Path) -> tuple[float, float]:
    """Processor seconds and MiB at most of a replay of a file."""
    command = [*COMMAND, "replay", str(path), "-o", "jsonl", "--fail-on", "never"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        used, memory = 0.0, 0.0
        while process.poll() is None:
            with contextlib.suppress(OSError, IndexError):  # it ends in between
                used, memory = processor_seconds(process.pid), max(memory, highest_mib(process.pid))
            time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"replay of {path} ended with {process.returncode}")
    return used, memory


def highest_mib(pid: int) -> float:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def report(mix: str, broker: Broker, topic: str, lines: list[bytes], folder: Path) -> None:
    """Measure one log."""
    log = folder / "log"
    log.write_bytes(b"\n".join(lines * PARTITIONS) + b"\n")
    count = len(lines) * PARTITIONS
    plain = 0.0
    for kind in ("", *KINDS):
        path = folder / f"recording.{kind}"
        rate, cost, _ = measure_daemon(broker, topic, count, folder / (kind or "none"), str(path) if kind else None)
        plain = plain or cost
        told = f"{mix}, {kind or 'no recording'}: {rate:,.0f} lines/s, {cost * 1e6:.1f} us of processor a line"
        if kind:
            size = path.stat().st_size
            told += f" ({cost / plain:.2f} times as much), {size / log.stat().st_size:.3f} of the size of the log"
            used, memory = measure_replay(path)
            told += f"; replay {used / count * 1e6:.1f} us a line, {memory:.0f} MiB"
        print(told, flush=True)
    used, memory = measure_replay(log)
    print(f"{mix}, replay of the log: {used / count * 1e6:.1f} us a line, {memory:.0f} MiB", flush=True)


def main() -> None:
    """Measure a healthy log and a storm."""
    line_count = int(sys.argv[1]) if len(sys.argv) > 1 else 400_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        installation = Installation(find_java(), fetch_jars(), folder)
        broker = Broker(installation, installation.formatted(()), folder / "broker")
        broker.start()
        topics = Topics(broker.address())
        began_at = time.perf_counter()
        for mix, lines in {
            "quiet": list(quiet_lines(line_count // PARTITIONS)),
            "storm": list(storm_lines(line_count // PARTITIONS // 4, KEYS)),
        }.items():
            topic = topics.create(PARTITIONS, settings=KEPT)
            for partition in range(PARTITIONS):
                topics.produce(topic, lines, partition, codec="lz4")
            (folder / mix).mkdir()
            report(mix, broker, topic, lines, folder / mix)
        print(f"{time.perf_counter() - began_at:.0f} s")
        broker.kill()


if __name__ == "__main__":
    main()
