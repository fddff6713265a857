"""The daemon as a process reads what no log should hold: the stream goes on, and what cannot be used is told of."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.scenarios.scenarios import replayed
from tests.servers.damage import damage_batch
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.postgresql import PostgreSQL
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
SCENARIO = "emissary-refused"
POISON = (
    b'time="2026-11-23T15:00:00Z" level=error msg="rollout syncHandler error: \0 NUL" namespace=a rollout=b',
    b'{"log":"rollout syncHandler error: lone \\ud800 surrogate","time":"2026-11-23T15:00:00Z"}',
    b'time="2026-11-23T15:00:00Z" level=info msg="rollout syncHandler queue retries: %s : key \\"a/b\\""'
    % (b"9" * 5000),
    b"\xff\xfe rollout syncHandler error",
    b"{" * 100_000 + b"syncHandler error",
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_poison(broker: Broker, postgresql: PostgreSQL, tmp_path: Path, kind: str) -> None:
    """NUL, surrogate, endless number, nesting, ten megabytes, a value that is compressed itself, a damaged batch."""
    topics = Topics(broker.address())
    topic = topics.create(settings=KEPT | {"max.message.bytes": "20000000"})
    topics.produce(topic, [*POISON, b"x" * 10_000_000, b"\x1f\x8b\x08" + bytes(range(100))])
    topics.produce(topic, [b"line %d" % number for number in range(100)], codec="gzip")
    bad = damage_batch(broker.data / f"{topic}-0", len(POISON) + 2, is_checksum_right=True)
    skipped = bad[1] - bad[0] + 1
    play(topics, topic, lines_of_log(SCENARIO))
    url = f"sqlite:///{tmp_path}/whystuck.db" if kind == "sqlite" else postgresql.new_database()
    stored, last = Stored(url), len(POISON) + 102 + len(lines_of_log(SCENARIO))
    settings = {"store": {"url": url, "migrate_at_start": "always"}, "kafka": kafka_settings(broker, topic)}
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        daemon.start()
        daemon.until(lambda: stored.next_offsets() == {f"{topic}/0": last}, "everything committed")
        daemon.until_metric(1, "whystuck_quarantined_records_total", reason="too_large")
        daemon.until_metric(1, "whystuck_quarantined_records_total", reason="unreadable")
        daemon.until_metric(skipped, "whystuck_quarantined_records_total", reason="undecodable")
        daemon.until_metric(2 + skipped, "whystuck_lines_total", outcome="quarantined")
        daemon.until(lambda: last <= daemon.metric("whystuck_lines_total"), "all are counted")
        assert 143 == daemon.terminate()
        daemon.run_once()
    offsets = [(row.first, row.last) for row in stored.quarantined()]
    assert [(len(POISON),) * 2, (len(POISON) + 1,) * 2, bad] == offsets
    causes = [(one["cause"]["class"], one["cause"]["culprit"]) for one in comparable(replayed(SCENARIO))]
    assert causes == [(one["cause"]["class"], one["cause"]["culprit"]) for one in stored.incidents()]
