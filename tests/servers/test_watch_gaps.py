"""The daemon as a process, when records are gone before they were read: told of, and nothing else is lost."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics, retry
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.stored import Stored
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
SCENARIO = "emissary-refused"


def test_records_that_are_gone_are_told(broker: Broker, tmp_path: Path) -> None:
    """Deleted while the daemon was down; then the topic is made again meanwhile."""
    topics, lines = Topics(broker.address()), lines_of_log(SCENARIO)
    topic = topics.create(settings=KEPT)
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {"store": {"url": stored.url}, "kafka": kafka_settings(broker, topic)}
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        play(topics, topic, lines[:20])
        daemon.start()
        daemon.until(lambda: stored.next_offsets() == {f"{topic}/0": 20}, "everything committed")
        daemon.kill()
        play(topics, topic, lines[20:])
        topics.delete_records(topic, 30)
        daemon.start()
        daemon.until(lambda: stored.next_offsets() == {f"{topic}/0": len(lines)}, "everything committed")
        assert [(20, 29, "retention")] == [(gap.first, gap.last, gap.reason) for gap in stored.gaps()]
        daemon.until_metric(10, "whystuck_lost_records_total", reason="retention")
        daemon.kill()
        topics.delete(topic)
        topics.create(1, topic, KEPT)
        play(topics, topic, lines[:10])
        daemon.start()
        daemon.until(lambda: stored.next_offsets() == {f"{topic}/0": 10}, "the new topic is read")
        assert ["retention", "topic_recreated"] == [gap.reason for gap in stored.gaps()]
        daemon.until_metric(1, "whystuck_gaps_total", reason="topic_recreated")


def test_segments_that_the_broker_deletes_are_told(broker: Broker, tmp_path: Path) -> None:
    """By its own cleaner, while the daemon was down; everything that is left is read."""
    topics, lines = Topics(broker.address()), lines_of_log(SCENARIO)
    small = {"segment.bytes": "1048576", "retention.bytes": "2000000", "file.delete.delay.ms": "100"}
    topic = topics.create(settings=KEPT | small)
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {"store": {"url": stored.url}, "kafka": kafka_settings(broker, topic)}
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        play(topics, topic, lines[:20])
        daemon.start()
        daemon.until(lambda: stored.next_offsets() == {f"{topic}/0": 20}, "everything committed")
        daemon.kill()
        topics.produce(topic, [b"x" * 500 for _ in range(12_000)])
        play(topics, topic, lines[20:])
        retry(lambda: _is_deleted(topics, topic))
        daemon.start()
        last = 12_000 + len(lines)
        daemon.until(lambda: stored.next_offsets() == {f"{topic}/0": last}, "everything committed")
        (gap,) = stored.gaps()
        assert (20, "retention") == (gap.first, gap.reason)
        daemon.until_metric(gap.last - gap.first + 1, "whystuck_lost_records_total", reason="retention")


def _is_deleted(topics: Topics, topic: str) -> None:
    assert topics.first_offset(topic) > 1000
