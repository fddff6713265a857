"""The daemon as a process notices that a controller is not heard any more, and that it is again."""

from __future__ import annotations

import signal
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles
from tests.scenarios.scenarios import built_in_rules
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_fixtures import MakeBroker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
SCENARIO = "healthy-canary"


@pytest.fixture(scope="module")
def one_broker(make_broker: MakeBroker) -> Broker:
    return make_broker()


def _told(stored: Stored) -> list[tuple[str, str]]:
    return [(row.transition, row.reason) for row in stored.transitions() if row.kind == "source_silent"]


def test_silence_is_told_and_ends(one_broker: Broker, tmp_path: Path) -> None:
    """Of the controller, over a restart of whystuck, and of the source; a replay of the recording tells the same."""
    topics = Topics(one_broker.address())
    topic = topics.create(settings=KEPT)
    store = f"sqlite:///{tmp_path}/whystuck.db"
    stored = Stored(store)
    lines = lines_of_log(SCENARIO)
    settings = {
        "store": {"url": store},
        "kafka": kafka_settings(one_broker, topic),
        "watch": {"silence_seconds": 3, "notify_max_age_seconds": "3650d", "record": str(tmp_path / "recording")},
    }
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        play(topics, topic, lines[:1000])
        daemon.start()
        daemon.until_ready()
        daemon.until(lambda: ("opened", "silent") in _told(stored), "silence")
        daemon.until_metric(1, "whystuck_open_incidents", kind="source_silent")
        daemon.kill()
        daemon.start()
        daemon.until_ready()
        play(topics, topic, lines[1000:1200])
        daemon.until(lambda: ("resolved", "heard_again") in _told(stored), "end of the silence")
        one_broker.kill()
        daemon.until(lambda: ("opened", "source_away") in _told(stored), "outage of the source")
        one_broker.start()
        play(topics, topic, lines[1200:1300])
        daemon.until(lambda: ("resolved", "source_is_back") in _told(stored), "end of the outage")
        assert [] == [one for one in stored.incidents() if one["kind"] != "source_silent"]
        assert 128 + signal.SIGTERM == daemon.terminate(), daemon.printed()
        files = InputFiles([str(tmp_path / "recording")])
        found = replay(files, EngineSettings(), built_in_rules(), read_at=datetime.now(UTC)).incidents
        assert [] == files.problems
        assert stored.incidents() == comparable(found)
