"""Plays a controller's log into a Kafka topic as if it were written now, in real or accelerated time.

All times in the lines are moved by the same number of whole seconds, so that whatever the log says of its own times
stays true. The last line gets the time at which it is sent: nothing is of the future, and when played faster than real
time the first lines are older than their sending by what is saved.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kafka import KafkaProducer
from kafka.errors import KafkaError

_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=(?:\.\d+)?Z)")
_LAYOUT = "%Y-%m-%dT%H:%M:%S"
DELIVERED_SECONDS = 60.0


@dataclass(frozen=True)
class Play:
    """One line, and when it is to be sent."""

    after_seconds: float  # from the start of the playing
    at: datetime  # the line's own time, moved
    value: bytes


def plan(lines: Sequence[bytes], start: datetime, speed: float, move: bool = True) -> Iterator[Play]:
    """When each line is sent, and with which times. Lines without a time belong to the one before.

    Raises:
        ValueError: no line has a time.
    """
    own = _own_times(lines)
    first, last = min(own), max(own)
    end = start + (last - first) / speed
    shift = timedelta(seconds=round((end - last).total_seconds())) if move else timedelta()
    for line, at in zip(lines, own, strict=True):
        yield Play((at - first).total_seconds() / speed, at + shift, _moved(line, shift) if move else line)


def _own_times(lines: Sequence[bytes]) -> list[datetime]:
    found = [_first_time(line) for line in lines]
    newest = next((at for at in found if at is not None), None)
    if newest is None:
        raise ValueError("no line has a time such as 2026-11-23T15:54:10Z")
    own = []
    for at in found:
        newest = at or newest
        own.append(newest)
    return own


def _first_time(line: bytes) -> datetime | None:
    match = _TIME.search(line)
    return _read(match) if match else None


def _read(match: re.Match[bytes]) -> datetime | None:
    try:
        return datetime.strptime(match.group().decode(), _LAYOUT).replace(tzinfo=UTC)
    except ValueError:
        return None


def _moved(line: bytes, shift: timedelta) -> bytes:
    def move(match: re.Match[bytes]) -> bytes:
        at = _read(match)
        try:
            return (at + shift).strftime(_LAYOUT).encode() if at else match.group()
        except OverflowError:
            return match.group()

    return _TIME.sub(move, line)


def read_arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says; ends the process where it is wrong."""
    parser = argparse.ArgumentParser(description="Plays a controller's log into a Kafka topic.")
    parser.add_argument("log", type=Path)
    parser.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT[,…]")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--pod", default="argo-rollouts-demo-0", help="key of the records")
    parser.add_argument("--speed", type=float, default=1.0, help="60: an hour in a minute")
    parser.add_argument("--keep-times", action="store_true", help="leave the times in the lines as they are")
    arguments = parser.parse_args(given)
    if not 0 < arguments.speed < float("inf"):
        parser.error("--speed has to be more than 0")
    return arguments


def main() -> int:
    """Play; 0 when the brokers have acknowledged every line."""
    arguments = read_arguments()
    try:
        lines = arguments.log.read_bytes().splitlines()
        plays = list(plan(lines, datetime.now(UTC), arguments.speed, not arguments.keep_times))
        producer = KafkaProducer(bootstrap_servers=arguments.bootstrap_servers.split(","), acks="all", linger_ms=20)
        began = time.monotonic()
        sent = []
        for play in plays:
            time.sleep(max(0.0, began + play.after_seconds - time.monotonic()))
            stamp = round(play.at.timestamp() * 1000)
            sent.append(producer.send(arguments.topic, play.value, arguments.pod.encode(), timestamp_ms=stamp))
        for future in sent:
            future.get(timeout=DELIVERED_SECONDS)
        producer.close()
    except (OSError, ValueError, KafkaError) as error:
        print(f"producer: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"{len(sent)} lines played into {arguments.topic}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
