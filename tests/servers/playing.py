"""Scenarios of sample_logs played into topics, as a shipper would have sent them."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from parsers.timestamps import find_time
from tests.scenarios.scenarios import SCENARIOS, load
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics

KEPT = {"retention.ms": "-1"}
"""Settings of a topic whose records are older than what brokers keep."""
_BEFORE_ALL = datetime(2026, 1, 1, tzinfo=UTC)


def lines_of_log(scenario: str) -> list[bytes]:
    """The lines of a scenario that has one log."""
    (log,) = load(scenario).logs
    content = (SCENARIOS / scenario / log).read_bytes()
    return (gzip.decompress(content) if log.endswith(".gz") else content).splitlines()


def play(topics: Topics, name: str, lines: Sequence[bytes], partition: int = 0) -> None:
    """Write lines, each with its own time as the record's: what is long ago stays long ago."""
    times: list[int] = []
    newest = _BEFORE_ALL
    for line in lines:
        newest = find_time(line) or newest
        times.append(round(newest.timestamp() * 1000))
    topics.produce(name, lines, partition, at=times.__getitem__)


def kafka_settings(broker: Broker, *names: str, **more: Any) -> dict[str, Any]:
    """A section `kafka` of the configuration that reads topics from their beginning."""
    quick = {"start": "earliest", "observe_seconds": 0.3, "connect_seconds": 120}
    return {"bootstrap_servers": [broker.address()], "topics": list(names), **quick, **more}
